"""Uploading one file of this machine, so that it can go on after a kill or a broken line."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import grpc
from lensfeed.media.v1.media_pb2 import Media

from lensfeed_client import Lensfeed, LensfeedError
from lensfeed_client.commands.bars import upload_bar
from lensfeed_client.commands.output import Output
from lensfeed_client.commands.refusal import refusal_of
from lensfeed_client.commands.unfinished import UnfinishedUploads

# An earlier upload that ended like this cannot go on; the file is sent anew.
_LOST = frozenset({"MEDIA_NOT_FOUND", "UPLOAD_EXPIRED", "FILE_CHANGED"})

BROKEN = frozenset({grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED})
"""No word against the file: the line broke, or the server is busy."""

_KEPT = "what was sent of {} is kept: the same command with --resume goes on from there"


def send_file(
    mesh: Lensfeed, uploads: UnfinishedUploads, path: Path, out: Output, *, alt_text: str, resume: bool
) -> Media:
    """Upload a file whole; the medium as far as it is. `resume` goes on with an upload of the same file that did not end."""
    begun = uploads.find(path) if resume else None
    if begun:
        out.note(f"going on with the upload of {path.name}")
        try:
            return _send(mesh, uploads, path, out, alt_text, begun)
        except LensfeedError as error:
            if error.reason not in _LOST:
                raise
            out.note(f"the server does not have that upload any more: {path.name} is sent anew")
    return _send(mesh, uploads, path, out, alt_text, None)


def _send(
    mesh: Lensfeed, uploads: UnfinishedUploads, path: Path, out: Output, alt_text: str, media_id: str | None
) -> Media:
    with upload_bar(out, path.name) as tell:
        try:
            return mesh.upload(
                path,
                alt_text=alt_text,
                progress=tell,
                media_id=media_id,
                started=lambda begun: uploads.keep(path, begun),
            )
        except KeyboardInterrupt:
            out.note(_KEPT.format(path.name))
            raise
        except LensfeedError as error:
            if error.code not in BROKEN:
                raise
            raise replace(refusal_of(error), hint=_KEPT.format(path.name)) from error


@contextmanager
def about(name: str | None) -> Iterator[None]:
    """Name the one of several things that the server has something against."""
    try:
        yield
    except LensfeedError as error:
        if name is None or error.code in BROKEN:
            raise
        refusal = refusal_of(error)
        raise replace(refusal, message=f"{name}: {refusal.message}") from error
