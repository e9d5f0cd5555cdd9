"""Guess a file's content type."""

import mimetypes
import os

import filetype

HEAD_BYTES = 4096
UNKNOWN = "application/octet-stream"


def guess_type(head: bytes, name: str | os.PathLike[str] = "") -> str:
    """Return a file's type by its first HEAD_BYTES, else by its name, else UNKNOWN.

    The bytes come first because the server judges by them too.
    """
    return filetype.guess_mime(head) or mimetypes.guess_type(os.fspath(name))[0] or UNKNOWN
