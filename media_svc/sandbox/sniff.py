"""Detect a file's type by its first bytes."""

from media_svc.model import FailureReason, MediaRejectedError

# The `ftyp` box of a HEIF file may list a dozen brands. No file seen so far needs more than this.
HEAD_BYTES = 512

_STARTS = {
    b"\xff\xd8\xff": "image/jpeg",
    b"\x89PNG\r\n\x1a\n": "image/png",
    b"GIF87a": "image/gif",
    b"GIF89a": "image/gif",
}
_AVIF_BRANDS = frozenset({b"avif", b"avis"})
_HEIC_BRANDS = frozenset({b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx"})

# `iso2` to `isom`, 3GPP's for old phones, and those of players.
_MP4_FAMILIES = frozenset({b"iso", b"mp4", b"3gp", b"3g2", b"M4V"})
_MP4_BRANDS = frozenset({b"avc1", b"av01", b"dash", b"f4v ", b"MSNV", b"mmp4", b"XAVC", b"cmfc", b"hvc1"})
# Files that list MP4 as a compatible brand, but hold only sound, text or a raw photo.
_OTHER_BRANDS = frozenset({b"M4A ", b"M4B ", b"M4P ", b"F4A ", b"F4B ", b"crx "})
# An old QuickTime file without `ftyp` begins with one of these.
_OLD_QUICKTIME_ATOMS = frozenset({b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot"})
_EBML = b"\x1a\x45\xdf\xa3"
_DOC_TYPE = b"\x42\x82"


def sniff(head: bytes) -> str | None:
    """Return the type shown by the first HEAD_BYTES of a file, or None for an unsupported one."""
    for start, content_type in _STARTS.items():
        if head.startswith(start):
            return content_type
    if head.startswith(b"RIFF") and head[8:12] == b"WEBP":
        return "image/webp"
    if head.startswith(_EBML):
        return "video/webm" if _doc_type(head) == b"webm" else None
    if head[4:8] in _OLD_QUICKTIME_ATOMS:
        return "video/quicktime"
    return (_sniff_heif(head) or _sniff_film(head)) if head[4:8] == b"ftyp" else None


def require_type(head: bytes, stated: str) -> None:
    """Raise MediaRejectedError (TYPE_MISMATCH) unless a file that begins with `head` has the stated type."""
    found = sniff(head)
    if found != stated:
        what = f"is {found}" if found else "is not"
        raise MediaRejectedError(FailureReason.TYPE_MISMATCH, f"The file was declared as {stated}, but {what}.")


def _sniff_heif(head: bytes) -> str | None:
    """Tell AVIF from HEIC by the major brand, or, if that is generic (`mif1`), by the first specific brand."""
    for brand in _brands_of(head):
        if brand in _AVIF_BRANDS:
            return "image/avif"
        if brand in _HEIC_BRANDS:
            return "image/heic"
    return None


def _sniff_film(head: bytes) -> str | None:
    """Tell QuickTime from MP4 by the major brand, or by the compatible brands if only its vendor knows that one."""
    major, *compatible = _brands_of(head)
    if major in _OTHER_BRANDS:
        return None
    return next((found for brand in (major, *compatible) if (found := _film_of_brand(brand))), None)


def _film_of_brand(brand: bytes) -> str | None:
    if brand == b"qt  ":
        return "video/quicktime"
    return "video/mp4" if brand in _MP4_BRANDS or brand[:3] in _MP4_FAMILIES else None


def _brands_of(head: bytes) -> list[bytes]:
    """Return the major brand and the compatible ones. Bytes 12 to 16 of the box are a version, not a brand."""
    end = min(int.from_bytes(head[:4], "big"), len(head))
    return [head[8:12], *(head[at : at + 4] for at in range(16, end, 4))]


def _doc_type(head: bytes) -> bytes:
    """Return the document type of an EBML file: Matroska and its subset WebM begin alike."""
    at = head.find(_DOC_TYPE)
    if at < 0 or at + len(_DOC_TYPE) >= len(head):
        return b""
    start = at + len(_DOC_TYPE) + 1
    # The length is one byte with its highest bit set.
    return head[start : start + (head[start - 1] & 0x7F)]
