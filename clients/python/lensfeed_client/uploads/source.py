"""The file or bytes to upload, read in chunks."""

import io
import os
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import BinaryIO

import anyio
import grpc

from lensfeed_client.errors import LensfeedError
from lensfeed_client.uploads.content_types import HEAD_BYTES, guess_type

CHUNK_BYTES = 256 * 1024


class Source:
    """A file or bytes. Several parts may be read at once; none is ever whole in memory."""

    def __init__(self, source: str | os.PathLike[str] | bytes) -> None:
        self._content = source if isinstance(source, bytes) else None
        self._path = Path() if isinstance(source, bytes) else Path(source)
        self.size_bytes = len(source) if isinstance(source, bytes) else self._path.stat().st_size

    def content_type(self) -> str:
        """Guess the content type."""
        with self._open() as file:
            return guess_type(file.read(HEAD_BYTES), self._path)

    async def read(self, start: int, size: int) -> AsyncGenerator[bytes, None]:
        """Yield `size` bytes from `start` in chunks. Raises LensfeedError (FILE_CHANGED) if the file is too short."""
        async with anyio.wrap_file(await anyio.to_thread.run_sync(self._open)) as file:
            await file.seek(start)
            while size:
                chunk = await file.read(min(size, CHUNK_BYTES))
                if not chunk:
                    raise file_changed("it is shorter than it was")
                size -= len(chunk)
                yield chunk

    def _open(self) -> BinaryIO:
        return self._path.open("rb") if self._content is None else io.BytesIO(self._content)


def file_changed(change: str) -> LensfeedError:
    """Return the error for a file that is no longer the one whose upload began."""
    message = f"the file has changed since its upload began: {change}; start a new upload"
    return LensfeedError(grpc.StatusCode.FAILED_PRECONDITION, "FILE_CHANGED", message)
