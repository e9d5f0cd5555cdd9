"""A small media service: the contract's internal methods over a dict, behind a real server."""

# ruff: noqa: ARG002, N802 - the contract names the methods and their arguments

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from functools import partial
from typing import Any, TypeAlias

from lensfeed.media.v1 import media_internal_service_pb2, media_pb2
from lensfeed.media.v1.media_internal_service_pb2_grpc import (
    MediaInternalServiceServicer,
    add_MediaInternalServiceServicer_to_server,
)

from meshkit.grpc.server import Process, ServerSettings, running
from meshkit.ids import PublicId, new_id

# Quoted, because the name exists only in the .pyi files.
State: TypeAlias = "media_pb2.MediaState.ValueType"
READY = media_pb2.MEDIA_STATE_READY
PROCESSING = media_pb2.MEDIA_STATE_PROCESSING
REJECTED = media_pb2.MEDIA_STATE_REJECTED
# The base URL of renditions unless the settings say otherwise.
DEFAULT_MEDIA_BASE_URL = "http://127.0.0.1:8080/m"


class MediaPeer(MediaInternalServiceServicer):
    """Media that a test creates and changes. `address` is where it serves."""

    def __init__(self) -> None:
        self.address = ""
        self.calls = 0
        # Each is called once, in order, after a call has read the media and before it answers.
        self.after_look: list[Callable[[], None]] = []
        # Answers wait while this is cleared.
        self.open = asyncio.Event()
        self.open.set()
        self._media: dict[str, tuple[int, media_pb2.Media]] = {}

    def add(self, owner_id: int, state: State = READY, renditions: int = 2, alt_text: str = "Ein Bär, 熊") -> str:
        """Create a medium. Returns its id."""
        media_id = str(PublicId(new_id(), owner_id))
        self._media[media_id] = (owner_id, _medium(media_id, state, renditions, alt_text))
        return media_id

    def move(self, media_id: str, state: State) -> None:
        """Change the state of a medium."""
        owner_id, medium = self._media[media_id]
        self._media[media_id] = (owner_id, _medium(media_id, state, len(medium.renditions), medium.alt_text))

    def improve(self, media_id: str) -> media_pb2.Media:
        """Give a medium a smaller first rendition with a new name. Returns it as media_svc sends it."""
        medium = self._media[media_id][1]
        medium.renditions[0].url = f"{media_id}/better.avif"
        medium.renditions[0].size_bytes -= 1_000
        return medium

    def take(self, media_id: str) -> tuple[int, media_pb2.Media]:
        """Remove a medium. Returns what `give` needs to restore it."""
        return self._media.pop(media_id)

    def give(self, media_id: str, taken: tuple[int, media_pb2.Media]) -> None:
        """Restore a medium."""
        self._media[media_id] = taken

    def medium(self, media_id: str) -> media_pb2.Media:
        """Return a medium as an app sees it, with URLs instead of names."""
        medium = media_pb2.Media()
        medium.CopyFrom(self._media[media_id][1])
        for rendition in medium.renditions:
            rendition.url = f"{DEFAULT_MEDIA_BASE_URL}/{rendition.url}"
        return medium

    async def BatchGetMedia(
        self, request: media_internal_service_pb2.BatchGetMediaRequest, context: Any
    ) -> media_internal_service_pb2.BatchGetMediaResponse:
        """Return the owner's media in the order of the request."""
        self.calls += 1
        found = [self._media[each] for each in request.media_ids if each in self._media]
        media = [medium for owner_id, medium in found if owner_id == request.owner_id]
        if self.after_look:
            self.after_look.pop(0)()
        await self.open.wait()
        return media_internal_service_pb2.BatchGetMediaResponse(media=media)

    async def CountViews(
        self, _request: media_internal_service_pb2.CountViewsRequest, _context: Any
    ) -> media_internal_service_pb2.CountViewsResponse:
        """Ignore views: posts do not count them."""
        return media_internal_service_pb2.CountViewsResponse()


@contextlib.asynccontextmanager
async def running_peer() -> AsyncIterator[MediaPeer]:
    """Run one on a free port."""
    peer = MediaPeer()
    process = Process("media_peer", [partial(add_MediaInternalServiceServicer_to_server, peer)])
    async with running(process, ServerSettings()) as address:
        peer.address = address
        yield peer


def _medium(media_id: str, state: State, renditions: int, alt_text: str) -> media_pb2.Media:
    medium = media_pb2.Media(media_id=media_id, state=state, kind=media_pb2.MEDIA_KIND_PHOTO, alt_text=alt_text)
    if state == READY:
        medium.width, medium.height, medium.thumbhash = 4000, 3000, bytes(range(25))
    for number in range(renditions):
        medium.renditions.add(
            url=f"{media_id}/{number}.avif",
            content_type="image/avif",
            width=320 * (number + 1),
            height=240 * (number + 1),
            size_bytes=10_000 * (number + 1),
        )
    return medium
