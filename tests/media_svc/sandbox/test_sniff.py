"""Tests of detecting a file's type by its first bytes."""

import pytest

from media_svc.model import FailureReason, MediaRejectedError
from media_svc.sandbox.sniff import HEAD_BYTES, require_type, sniff
from tests.media_svc import pictures


@pytest.mark.parametrize("content_type", pictures.FORMATS)
def test_own_type(content_type: str) -> None:
    """Each allowed type is recognized by its head, and passes only as that type."""
    head = pictures.encoded(pictures.quarters(), content_type)[:HEAD_BYTES]
    require_type(head, content_type)
    for stated in set(pictures.FORMATS) - {content_type}:
        with pytest.raises(MediaRejectedError) as caught:
            require_type(head, stated)
        assert caught.value.failure.reason is FailureReason.TYPE_MISMATCH


def test_generic_brand() -> None:
    """A HEIF file with a generic major brand is what its first specific brand says."""
    assert sniff(b"\x00\x00\x00\x1cftypmif1\x00\x00\x00\x00mif1heicmiaf") == "image/heic"
    assert sniff(b"\x00\x00\x00\x1cftypmif1\x00\x00\x00\x00mif1avifmiaf") == "image/avif"
    assert sniff(b"\x00\x00\x00\x14ftypmif1\x00\x00\x00\x00mif1" + b"heic") is None


@pytest.mark.parametrize("major", [b"CAEP", b"pana", b"niko", b"kddi", b"isml", b"piff", b"hev1"])
@pytest.mark.parametrize("compatible", [b"isom", b"mp41", b"mp42", b"iso6"])
def test_vendor_brand(major: bytes, compatible: bytes) -> None:
    """A film whose major brand only its vendor knows is what its compatible brands say."""
    assert sniff(b"\x00\x00\x00\x18ftyp" + major + bytes(4) + b"abcd" + compatible) == "video/mp4"
    assert sniff(b"\x00\x00\x00\x18ftyp" + major + bytes(4) + b"abcdqt  ") == "video/quicktime"
    assert sniff(b"\x00\x00\x00\x14ftyp" + major + bytes(4) + b"abcd" + compatible) is None


@pytest.mark.parametrize(
    "head",
    [
        b"",
        b"hello",
        b"GIF90a" + bytes(100),
        b"%PDF-1.7\n" + bytes(100),
        b"<svg xmlns='http://www.w3.org/2000/svg'><image href='file:///etc/passwd'/></svg>",
        b"<html><script>alert(1)</script>",
        b"\x00\x00\x00\x18ftypM4A \x00\x00\x00\x00M4A mp42" + bytes(100),
        b"\x1a\x45\xdf\xa3\x93\x42\x82\x88matroska" + bytes(100),
        b"#EXTM3U\n#EXTINF:4,\nfile:///etc/passwd\n",
        b"RIFF\x00\x00\x00\x00WAVE",
        bytes(1000),
    ],
    ids=["empty", "text", "gif", "pdf", "svg", "html", "sound", "mkv", "playlist", "wav", "zeros"],
)
def test_unknown_types(head: bytes) -> None:
    """Files of other types have no type."""
    assert sniff(head) is None
