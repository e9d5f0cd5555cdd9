"""What a file is."""

import mimetypes
import os

import filetype

HEAD_BYTES = 4096
UNKNOWN = "application/octet-stream"


def guess_type(head: bytes, name: str | os.PathLike[str] = "") -> str:
    """Tell the type of a file by its first HEAD_BYTES, or else by its name; UNKNOWN where neither says anything.

    The bytes come first: the mesh judges by them, and names lie.
    """
    return filetype.guess_mime(head) or mimetypes.guess_type(os.fspath(name))[0] or UNKNOWN
