"""Tests that interlaced films lose their combs."""

from pathlib import Path

import pytest
from PIL import Image, ImageChops, ImageStat

from tests.media_svc import films
from tests.media_svc.videos.lowest_rung import lowest_rung

pytestmark = pytest.mark.slow

_MOVING_BAR = "color=black:s=320x240:r=50:d=1,geq=lum='if(lt(mod(X+N*8,80),40),235,16)':cb=128:cr=128"


def _film(path: Path, filters: str, *options: str) -> Path:
    codec = ("-c:v", "libx264", "-preset", "ultrafast", "-crf", "10", "-pix_fmt", "yuv420p")
    films.run_ffmpeg("-f", "lavfi", "-i", f"{_MOVING_BAR},{filters}", *codec, *options, str(path))
    return path


def _combing(picture: Image.Image) -> float:
    """Return how much more a row differs from its neighbour than from the row after that: near 0 without combs."""
    grey = picture.convert("L").crop((40, 40, 280, 200))
    return _difference(grey, 1) - _difference(grey, 2)


def _difference(grey: Image.Image, rows: int) -> float:
    """Return the average difference to the picture moved up by some rows."""
    height = grey.height - rows
    upper, lower = (grey.crop((0, top, grey.width, top + height)) for top in (0, rows))
    return ImageStat.Stat(ImageChops.difference(upper, lower)).mean[0]


@pytest.mark.parametrize(
    ("filters", "options"),
    [
        ("tinterlace=interleave_top,setfield=tff", ("-flags", "+ildct+ilme", "-x264-params", "tff=1")),
        ("tinterlace=interleave_bottom,setfield=bff", ("-flags", "+ildct+ilme", "-x264-params", "bff=1")),
    ],
    ids=["top", "bottom"],
)
async def test_interlaced(tmp_path: Path, filters: str, options: tuple[str, ...]) -> None:
    """The rungs and poster of an interlaced film show no combs on what moves."""
    made = await lowest_rung(tmp_path / "work", _film(tmp_path / "interlaced.mp4", filters, *options))
    assert made.film.is_interlaced
    assert made.film.frame_rate == 25
    assert all(abs(_combing(frame)) < 3 for frame in made.frames()[2:-2])
    (tmp_path / "poster.png").write_bytes(made.poster)
    with Image.open(tmp_path / "poster.png") as poster:
        assert abs(_combing(poster)) < 3


async def test_progressive(tmp_path: Path) -> None:
    """A progressive film is not deinterlaced."""
    made = await lowest_rung(tmp_path / "work", _film(tmp_path / "progressive.mp4", "fps=25"))
    assert not made.film.is_interlaced
