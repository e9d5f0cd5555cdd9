"""Tests of serving small, clean pictures unchanged, and nothing with more than pixels."""

import io
import random
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from media_svc.sandbox.originals.keep import clean_original
from tests.media_svc import pictures

pytestmark = pytest.mark.slow

SMALL: dict[str, dict[str, Any]] = {
    "image/jpeg": {"quality": 50, "progressive": True},
    "image/webp": {"quality": 40},
}
CASES = list(SMALL.items())


def _textured(width: int = 200, height: int = 150) -> Image.Image:
    return Image.frombytes("RGB", (width, height), random.Random(5).randbytes(width * height * 3))


def _clean(folder: Path, content: bytes, content_type: str) -> bool:
    (folder / "original").write_bytes(content)
    return clean_original(folder / "original", content_type) == content


@pytest.mark.parametrize(("content_type", "options"), CASES)
async def test_kept(tmp_path: Path, content_type: str, options: dict[str, Any]) -> None:
    """A clean picture that is no larger than our rendition is served unchanged."""
    original = pictures.encoded(_textured(), content_type, **options)
    made = await pictures.rendered(tmp_path, original, content_type)
    assert original in made.contents.values()
    assert len(made.contents) == 3
    for each in made.picture.renditions:
        assert (made.contents[each.name] == original) == (each.content_type == content_type)
        assert len(made.contents[each.name]) == each.size_bytes


@pytest.mark.parametrize("content_type", SMALL)
async def test_too_good(tmp_path: Path, content_type: str) -> None:
    """A clean picture that is larger than needed is compressed."""
    original = pictures.encoded(_textured(), content_type, **{**SMALL[content_type], "quality": 98})
    assert _clean(tmp_path, original, content_type)
    made = await pictures.rendered(tmp_path, original, content_type)
    assert original not in made.contents.values()
    assert all(each.size_bytes < len(original) for each in made.picture.renditions if each.content_type == content_type)


@pytest.mark.parametrize(("content_type", "options"), CASES)
async def test_wider_than_any_rendition(tmp_path: Path, content_type: str, options: dict[str, Any]) -> None:
    """A clean picture wider than any rendition is shrunk."""
    original = pictures.encoded(pictures.quarters(1600, 40), content_type, **options)
    assert _clean(tmp_path, original, content_type)
    made = await pictures.rendered(tmp_path, original, content_type)
    assert original not in made.contents.values()


@pytest.mark.parametrize(("content_type", "options"), CASES)
@pytest.mark.parametrize("extra", ["exif", "icc_profile", "xmp"])
async def test_more_than_pixels(tmp_path: Path, content_type: str, options: dict[str, Any], extra: str) -> None:
    """A picture with metadata or a profile is not kept, however small."""
    values = {"exif": pictures.exif(), "icc_profile": pictures.display_p3(), "xmp": b"<x:xmpmeta/>"}
    original = pictures.encoded(_textured(), content_type, **options, **{extra: values[extra]})
    assert not _clean(tmp_path, original, content_type)


@pytest.mark.parametrize(("content_type", "options"), CASES)
def test_something_appended(tmp_path: Path, content_type: str, options: dict[str, Any]) -> None:
    """A picture with data appended or missing at its end is not kept."""
    original = pictures.encoded(_textured(), content_type, **options)
    assert _clean(tmp_path, original, content_type)
    assert not any(_clean(tmp_path, each, content_type) for each in (original + b"\x00", original[:-1], original * 2))


def test_jpegs_of_other_kinds(tmp_path: Path) -> None:
    """JPEGs with comments, CMYK, a baseline frame or endless scans are not kept."""
    small = SMALL["image/jpeg"]
    good = pictures.encoded(_textured(), "image/jpeg", **small)
    scan = good[good.rindex(b"\xff\xda") : -2]
    others = (
        pictures.encoded(_textured(), "image/jpeg", **small, comment=b"hello"),
        pictures.encoded(_textured().convert("CMYK"), "image/jpeg", **small),
        pictures.encoded(_textured(), "image/jpeg", quality=50),
        good[:-2] + scan * 10 + good[-2:],
    )
    assert _clean(tmp_path, good, "image/jpeg")
    assert not any(_clean(tmp_path, each, "image/jpeg") for each in others)


def _segment(marker: int, data: bytes) -> bytes:
    return bytes((0xFF, marker)) + (len(data) + 2).to_bytes(2, "big") + data


SCRIPT = b"<script>alert(1)</script>"
QUANTIZER = SCRIPT.ljust(64, b" ")
# Sixteen lengths of codes, then the symbols.
HUFFMAN = bytes((*[0] * 15, len(SCRIPT))) + SCRIPT
IN_TABLES = {
    "quantizer": _segment(0xDB, b"\x03" + QUANTIZER),
    "quantizer of 16 bits": _segment(0xDB, b"\x13" + QUANTIZER * 2),
    "DC table": _segment(0xC4, b"\x03" + HUFFMAN),
    "AC table": _segment(0xC4, b"\x13" + HUFFMAN),
    "AC table of valid symbols": _segment(0xC4, b"\x13" + bytes((*[0] * 15, 4)) + b"pqrs"),
}
LONGER = (_segment(0xDB, b"\x03" + bytes(64) + SCRIPT), _segment(0xDD, bytes(2) + SCRIPT))


@pytest.mark.parametrize("kind", IN_TABLES)
@pytest.mark.parametrize("place", ["first", "before the scans", "last"])
async def test_script_in_an_unused_table(tmp_path: Path, kind: str, place: str) -> None:
    """A JPEG with a table that no scan uses is re-encoded, and what the table holds is in no rendition."""
    good = pictures.encoded(_textured(), "image/jpeg", **SMALL["image/jpeg"])
    at = {"first": 2, "before the scans": good.index(b"\xff\xda"), "last": len(good) - 2}[place]
    original = good[:at] + IN_TABLES[kind] + good[at:]
    with Image.open(io.BytesIO(original)) as picture:
        picture.load()
    assert not _clean(tmp_path, original, "image/jpeg")
    made = await pictures.rendered(tmp_path, original, "image/jpeg")
    assert not any(original == content or SCRIPT in content for content in made.contents.values())


def test_script_behind_a_table(tmp_path: Path) -> None:
    """A JPEG with a segment that is longer than its content is not clean."""
    good = pictures.encoded(_textured(), "image/jpeg", **SMALL["image/jpeg"])
    assert not any(_clean(tmp_path, good[:2] + each + good[2:], "image/jpeg") for each in LONGER)


def test_script_behind_a_scan(tmp_path: Path) -> None:
    """Bytes that the decoder skips between a scan's pixels and the next marker are noticed."""
    good = pictures.encoded(_textured(), "image/jpeg", **SMALL["image/jpeg"])
    for at in (len(good) - 2, good.index(b"\xff\xc4", good.index(b"\xff\xda"))):
        assert not _clean(tmp_path, good[:at] + SCRIPT + good[at:], "image/jpeg")


@pytest.mark.parametrize("mode", ["RGB", "L"])
@pytest.mark.parametrize("quality", [1, 50, 95])
@pytest.mark.parametrize("subsampling", [0, 2])
def test_ordinary_jpegs(tmp_path: Path, mode: str, quality: int, subsampling: int) -> None:
    """Every progressive JPEG of an ordinary encoder is clean."""
    picture = pictures.quarters().convert(mode)
    for original in (_textured().convert(mode), picture):
        content = pictures.encoded(original, "image/jpeg", progressive=True, quality=quality, subsampling=subsampling)
        assert _clean(tmp_path, content, "image/jpeg")


@pytest.mark.parametrize("content_type", ["image/png", "image/avif", "image/heic"])
def test_other_types(tmp_path: Path, content_type: str) -> None:
    """Other types are always re-encoded."""
    assert not _clean(tmp_path, pictures.encoded(_textured(), content_type), content_type)
