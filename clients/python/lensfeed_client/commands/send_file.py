"""Upload one file so that it can be resumed after a crash or a lost connection."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import grpc
from lensfeed.media.v1.media_pb2 import Media

from lensfeed_client import Lensfeed, LensfeedError
from lensfeed_client.commands.display.bars import upload_bar
from lensfeed_client.commands.display.output import Output
from lensfeed_client.commands.errors.refusal import refusal_of
from lensfeed_client.commands.state.unfinished_uploads import UnfinishedUploads

# An upload that failed like this cannot be resumed; start a new one.
_LOST = frozenset({"MEDIA_NOT_FOUND", "UPLOAD_EXPIRED", "FILE_CHANGED"})

CONNECTION_LOST = frozenset({grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED})
"""The connection broke or the server is busy; nothing is wrong with the file."""

_KEPT = "the uploaded part of {} is kept: add --resume to the same command to continue"


def send_file(
    mesh: Lensfeed, uploads: UnfinishedUploads, path: Path, out: Output, *, alt_text: str, resume: bool
) -> Media:
    """Upload a file and return the medium. `resume` continues an interrupted upload of the same file."""
    begun = uploads.find(path) if resume else None
    if begun:
        out.note(f"resuming the upload of {path.name}")
        try:
            return _send(mesh, uploads, path, out, alt_text, begun)
        except LensfeedError as error:
            if error.reason not in _LOST:
                raise
            out.note(f"the server no longer has that upload: starting again with {path.name}")
    return _send(mesh, uploads, path, out, alt_text, None)


def _send(
    mesh: Lensfeed, uploads: UnfinishedUploads, path: Path, out: Output, alt_text: str, media_id: str | None
) -> Media:
    with upload_bar(out, path.name) as report:
        try:
            return mesh.upload(
                path,
                alt_text=alt_text,
                progress=report,
                media_id=media_id,
                started=lambda begun: uploads.keep(path, begun),
            )
        except KeyboardInterrupt:
            out.note(_KEPT.format(path.name))
            raise
        except LensfeedError as error:
            if error.code not in CONNECTION_LOST:
                raise
            raise replace(refusal_of(error), hint=_KEPT.format(path.name)) from error


@contextmanager
def naming(name: str | None) -> Iterator[None]:
    """Put the name of the affected file or post in front of an error message."""
    try:
        yield
    except LensfeedError as error:
        if name is None or error.code in CONNECTION_LOST:
            raise
        refusal = refusal_of(error)
        raise replace(refusal, message=f"{name}: {refusal.message}") from error
