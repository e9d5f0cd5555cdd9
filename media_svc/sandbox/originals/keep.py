"""Decide whether a picture's file can be served unchanged, because it holds nothing but pixels."""

from pathlib import Path

from media_svc.sandbox.originals.jpeg import is_clean_jpeg
from media_svc.sandbox.originals.webp import is_clean_webp


def clean_original(path: Path, content_type: str) -> bytes | None:
    """Return a file's bytes if they can be served unchanged, else None. Only JPEG and WebP can."""
    is_clean = {"image/jpeg": is_clean_jpeg, "image/webp": is_clean_webp}.get(content_type)
    if is_clean is None:
        return None
    content = path.read_bytes()
    return content if is_clean(content) else None
