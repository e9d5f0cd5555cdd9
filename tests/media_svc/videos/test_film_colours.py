"""Tests of a film's colours: HDR, wide gamut and missing tags come out as BT.709, like the scene looked."""

from pathlib import Path

import pytest

from tests.media_svc import films
from tests.media_svc.pictures import near
from tests.media_svc.videos.lowest_rung import lowest_rung

pytestmark = pytest.mark.slow

_RED, _BLUE, _GREY = (200, 60, 40), (30, 90, 180), (128, 128, 128)
_HEVC = ("-c:v", "libx265", "-preset", "ultrafast", "-x265-params", "log-level=none", "-tag:v", "hvc1")
_H264 = ("-c:v", "libx264", "-preset", "ultrafast", "-crf", "10")


def _film(path: Path, colour: tuple[int, int, int], zscale: str, pixels: str, *encoding: str) -> Path:
    """Make a film of one sRGB colour that is converted by zscale."""
    source = f"color=c=0x{bytes(colour).hex()}:s=640x360:r=30:d=0.2,format=gbrp"
    filters = f"zscale=pin=bt709:tin=iec61966-2-1:min=gbr:rin=pc:{zscale},format={pixels}"
    films.run_ffmpeg("-f", "lavfi", "-i", source, "-vf", filters, *encoding, str(path))
    return path


@pytest.mark.parametrize("colour", [_RED, _BLUE, _GREY])
@pytest.mark.parametrize("transfer", ["arib-std-b67", "smpte2084"], ids=["hlg", "pq"])
async def test_hdr(tmp_path: Path, transfer: str, colour: tuple[int, int, int]) -> None:
    """HLG and PQ films in BT.2020 keep the colours of everything up to the brightness of paper."""
    tags = ("-color_primaries", "bt2020", "-color_trc", transfer, "-colorspace", "bt2020nc")
    zscale = f"p=bt2020:t={transfer}:m=bt2020nc:r=tv:npl=203:agamma=false"
    original = _film(tmp_path / "hdr.mp4", colour, zscale, "yuv420p10le", *_HEVC, *tags)
    rung, poster = (await lowest_rung(tmp_path / "work", original)).colours()
    assert near(rung, colour, 6)
    assert near(poster, colour, 6)


async def test_highlights(tmp_path: Path) -> None:
    """Highlights far brighter than paper are brighter than paper, and neither is cut off to white."""
    levels = []
    for nits in (203, 600):
        tags = ("-color_primaries", "bt2020", "-color_trc", "smpte2084", "-colorspace", "bt2020nc")
        zscale = f"p=bt2020:t=smpte2084:m=bt2020nc:r=tv:npl={nits}:agamma=false"
        original = _film(tmp_path / "hdr.mp4", (255, 255, 255), zscale, "yuv420p10le", *_HEVC, *tags)
        rung, _ = (await lowest_rung(tmp_path / "work", original)).colours()
        levels.append(rung[0])
    paper, light = levels
    assert 215 < paper < light < 255


async def test_display_p3(tmp_path: Path) -> None:
    """Display P3, in which iPhones film without HDR, is converted: the same numbers would be paler."""
    tags = ("-color_primaries", "smpte432", "-color_trc", "bt709", "-colorspace", "bt709")
    zscale = "p=smpte432:t=bt709:m=bt709:r=tv"
    original = _film(tmp_path / "p3.mp4", _RED, zscale, "yuv420p", *_H264, *tags)
    rung, poster = (await lowest_rung(tmp_path / "work", original)).colours()
    # The file has BT.1886's curve instead of sRGB's, so mid-tones are a little lighter.
    expected = (203, 70, 51)
    assert near(rung, expected, 6)
    assert near(poster, expected, 6)


@pytest.mark.parametrize(("size", "matrix"), [("1280x720", "bt709"), ("640x480", "bt601")])
async def test_untagged(tmp_path: Path, size: str, matrix: str) -> None:
    """A film without colour tags is BT.709 from 720 lines on, and BT.601 below."""
    source = f"color=c=0x{bytes(_RED).hex()}:s={size}:r=30:d=0.2,format=gbrp"
    filters = f"scale=out_color_matrix={matrix}:out_range=tv,format=yuv420p,setparams=colorspace=unknown"
    original = tmp_path / "untagged.mp4"
    films.run_ffmpeg("-f", "lavfi", "-i", source, "-vf", filters, *_H264, str(original))
    rung, poster = (await lowest_rung(tmp_path / "work", original)).colours()
    assert near(rung, _RED, 6)
    assert near(poster, _RED, 6)
