"""Tests that dav1d decodes AVIFs like libaom, at a smaller size."""

from pathlib import Path
from typing import Any

import pytest
import pyvips
from PIL import Image

from media_svc.sandbox.read_avif import read_large_avif
from tests.media_svc import pictures

pytestmark = pytest.mark.slow

# The decoders round differently. A wrong matrix, range or rotation would differ by much more.
MOST_DIFFERENCE = 4.0
KINDS: dict[str, dict[str, Any]] = {
    "plain": {},
    "full colour": {"subsampling": "4:4:4"},
    "grey": {"subsampling": "4:0:0"},
    "limited range": {"range": "limited"},
    "profile": {"icc_profile": pictures.display_p3()},
    **{f"orientation {each}": {"exif": pictures.exif(each)} for each in (2, 3, 5, 6, 8)},
}


def _difference(one: pyvips.Image, other: pyvips.Image) -> float:
    assert (one.width, one.height, one.bands) == (other.width, other.height, other.bands)
    return float((one.cast("float") - other.cast("float")).abs().avg())


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("spare", [1.0, 2.5])
def test_same_picture(tmp_path: Path, kind: str, spare: float) -> None:
    """Colours, rotations and profiles are the same; pictures that are not plain pixels are left to libaom."""
    path = tmp_path / "picture"
    path.write_bytes(pictures.encoded(pictures.quarters(500, 300), "image/avif", quality=95, **KINDS[kind]))
    whole = pyvips.Image.heifload(str(path))
    made = read_large_avif(path, whole, spare)
    is_mirrored = kind in {"orientation 2", "orientation 5"}
    assert (made is whole) == is_mirrored
    assert bool(made.get_typeof("icc-profile-data")) == (kind == "profile")
    if not is_mirrored:
        assert (made.width, made.height) == (round(whole.width / spare), round(whole.height / spare))
    assert _difference(made.resize(whole.width / made.width, kernel="nearest"), whole) < MOST_DIFFERENCE


def test_transparency(tmp_path: Path) -> None:
    """A picture with an alpha plane is left to libaom."""
    path = tmp_path / "picture"
    path.write_bytes(pictures.encoded(Image.new("RGBA", (60, 40), (10, 200, 30, 90)), "image/avif"))
    whole = pyvips.Image.heifload(str(path))
    assert read_large_avif(path, whole, 1.0) is whole


@pytest.mark.parametrize("part", [0.6, 0.97])
def test_truncated(tmp_path: Path, part: float) -> None:
    """A truncated picture is an error, not grey pixels."""
    path = tmp_path / "picture"
    content = pictures.encoded(pictures.noise(300, 200), "image/avif")
    path.write_bytes(content)
    whole = pyvips.Image.heifload(str(path))
    path.write_bytes(content[: int(len(content) * part)])
    with pytest.raises((ValueError, OSError)):
        read_large_avif(path, whole, 1.0)
