"""What a file is by its first bytes, whatever its uploader says."""

from media_svc.model import FailureReason, MediaRejectedError

# The `ftyp` box of a HEIF file may name some dozen brands; none of the files seen needs more than this.
HEAD_BYTES = 512

_AVIF_BRANDS = frozenset({b"avif", b"avis"})
_HEIC_BRANDS = frozenset({b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx"})

# `iso2` to `isom`, 3GPP's of old phones, and the players' own.
_MP4_FAMILIES = frozenset({b"iso", b"mp4", b"3gp", b"3g2", b"M4V"})
_MP4_BRANDS = frozenset({b"avc1", b"av01", b"dash", b"f4v ", b"MSNV", b"mmp4", b"XAVC", b"cmfc", b"hvc1"})
# A QuickTime file from before `ftyp` begins with one of these.
_OLD_QUICKTIME_ATOMS = frozenset({b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot"})
_EBML = b"\x1a\x45\xdf\xa3"
_DOC_TYPE = b"\x42\x82"


def sniff(head: bytes) -> str | None:
    """Return the type that the first HEAD_BYTES of a file show, or None for what we do not read."""
    if head.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    if head.startswith(b"RIFF") and head[8:12] == b"WEBP":
        return "image/webp"
    if head.startswith(_EBML):
        return "video/webm" if _doc_type(head) == b"webm" else None
    if head[4:8] in _OLD_QUICKTIME_ATOMS:
        return "video/quicktime"
    return (_sniff_heif(head) or _sniff_film(head)) if head[4:8] == b"ftyp" else None


def require_type(head: bytes, stated: str) -> None:
    """Raise MediaRejectedError (TYPE_MISMATCH) unless a file that begins with `head` is of the stated type."""
    found = sniff(head)
    if found != stated:
        what = f"it is {found}" if found else "it is something else"
        raise MediaRejectedError(FailureReason.TYPE_MISMATCH, f"The file was announced as {stated}, but {what}.")


def _sniff_heif(head: bytes) -> str | None:
    """Tell AVIF from HEIC: the major brand decides, and where that is a general one (`mif1`), the first that does."""
    end = min(int.from_bytes(head[:4], "big"), len(head))
    # Bytes 12 to 16 of the box are a version, not a brand.
    for brand in [head[8:12], *(head[at : at + 4] for at in range(16, end, 4))]:
        if brand in _AVIF_BRANDS:
            return "image/avif"
        if brand in _HEIC_BRANDS:
            return "image/heic"
    return None


def _sniff_film(head: bytes) -> str | None:
    """Tell QuickTime from MP4 by the major brand. The brands of sound alone are none of the two."""
    brand = head[8:12]
    if brand == b"qt  ":
        return "video/quicktime"
    return "video/mp4" if brand in _MP4_BRANDS or brand[:3] in _MP4_FAMILIES else None


def _doc_type(head: bytes) -> bytes:
    """Return what an EBML file says it is: all of Matroska begins alike, and WebM is a part of it."""
    at = head.find(_DOC_TYPE)
    if at < 0 or at + len(_DOC_TYPE) >= len(head):
        return b""
    start = at + len(_DOC_TYPE) + 1
    # One byte tells the length, with its highest bit set.
    return head[start : start + (head[start - 1] & 0x7F)]
