"""What a file is by its first bytes, whatever its uploader says."""

from media_svc.model import FailureReason, MediaRejectedError

# The `ftyp` box of a HEIF file may name some dozen brands; none of the files seen needs more than this.
HEAD_BYTES = 512

_AVIF_BRANDS = frozenset({b"avif", b"avis"})
_HEIC_BRANDS = frozenset({b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx"})


def sniff(head: bytes) -> str | None:
    """Return the picture type that the first HEAD_BYTES of a file show, or None for what we do not read."""
    if head.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    if head.startswith(b"RIFF") and head[8:12] == b"WEBP":
        return "image/webp"
    return _sniff_heif(head) if head[4:8] == b"ftyp" else None


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
