"""What is uploaded, read piece by piece."""

import io
import os
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import BinaryIO

import anyio
import grpc

from lensfeed_client.content_types import HEAD_BYTES, guess_type
from lensfeed_client.errors import LensfeedError

CHUNK_BYTES = 256 * 1024


class Source:
    """A file or bytes. Any number of its parts may be read at a time, and none is ever whole in memory."""

    def __init__(self, what: str | os.PathLike[str] | bytes) -> None:
        self._content = what if isinstance(what, bytes) else None
        self._path = Path() if isinstance(what, bytes) else Path(what)
        self.size_bytes = len(what) if isinstance(what, bytes) else self._path.stat().st_size

    def content_type(self) -> str:
        """Guess what it is."""
        with self._open() as file:
            return guess_type(file.read(HEAD_BYTES), self._path)

    async def read(self, start: int, size: int) -> AsyncGenerator[bytes, None]:
        """Give `size` bytes from `start` on, in chunks. Raises LensfeedError (FILE_CHANGED) where there are fewer."""
        async with anyio.wrap_file(await anyio.to_thread.run_sync(self._open)) as file:
            await file.seek(start)
            while size:
                chunk = await file.read(min(size, CHUNK_BYTES))
                if not chunk:
                    raise file_changed("it ends sooner than it did")
                size -= len(chunk)
                yield chunk

    def _open(self) -> BinaryIO:
        return self._path.open("rb") if self._content is None else io.BytesIO(self._content)


def file_changed(how: str) -> LensfeedError:
    """Return the error of a file that is no longer the one whose upload was begun."""
    message = f"the file has changed since its upload began: {how}; upload it anew"
    return LensfeedError(grpc.StatusCode.FAILED_PRECONDITION, "FILE_CHANGED", message)
