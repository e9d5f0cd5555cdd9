"""media_svc as an app sees it: its stubs, and a plain HTTP client for S3."""

import asyncio
import itertools
import time
from collections.abc import Sequence
from dataclasses import dataclass

import grpc
import httpx
from lensfeed.events.v1 import event_pb2
from lensfeed.media.v1 import (
    media_internal_service_pb2,
    media_internal_service_pb2_grpc,
    media_pb2,
    media_service_pb2,
    media_service_pb2_grpc,
)

from meshkit.events.outbox import BEFORE_ALL, MINUTE_MS, SHARDS, OutboxStore
from meshkit.ids import PublicId, id_millis

# A worker that takes longer for a small picture has failed.
PATIENCE_SECONDS = 60
_USERS = itertools.count(7_000_001)


def new_user() -> int:
    """Return the id of a user that no other test uses."""
    return next(_USERS)


def caller(user_id: int) -> grpc.aio.Metadata:
    """Return the metadata of a user's call, as the edge sets it."""
    return grpc.aio.Metadata(("x-user-id", str(user_id)))


# The types of the stubs are quoted because only the generated stub files have them.
@dataclass(frozen=True, slots=True)
class MediaApp:
    """Calls to a running media_svc, its outbox, and a client for its URLs."""

    public: "media_service_pb2_grpc.MediaServiceAsyncStub"
    internal: "media_internal_service_pb2_grpc.MediaInternalServiceAsyncStub"
    outbox: OutboxStore
    http: httpx.AsyncClient

    async def start(
        self, user_id: int, content_type: str, size_bytes: int, alt_text: str = ""
    ) -> media_service_pb2.StartUploadResponse:
        """Start an upload."""
        request = media_service_pb2.StartUploadRequest(
            content_type=content_type, size_bytes=size_bytes, alt_text=alt_text
        )
        return await self.public.StartUpload(request, metadata=caller(user_id))

    async def put(self, part: media_service_pb2.UploadPart, content: bytes) -> httpx.Response:
        """PUT a part with exactly the given headers."""
        return await self.http.put(part.url, content=content, headers=dict(part.headers))

    async def put_all(
        self, started: media_service_pb2.StartUploadResponse, content: bytes
    ) -> list[media_service_pb2.CompletedPart]:
        """PUT every part of a file. Returns the parts to complete the upload with."""
        done = []
        for part in started.parts:
            first = (part.number - 1) * started.part_size_bytes
            answer = await self.put(part, content[first : first + part.size_bytes])
            assert answer.status_code == httpx.codes.OK, answer.text
            done.append(media_service_pb2.CompletedPart(number=part.number, etag=answer.headers["etag"]))
        return done

    async def complete(
        self, user_id: int, media_id: str, parts: Sequence[media_service_pb2.CompletedPart] = ()
    ) -> media_pb2.Media:
        """Complete an upload."""
        request = media_service_pb2.CompleteUploadRequest(media_id=media_id, parts=parts)
        return (await self.public.CompleteUpload(request, metadata=caller(user_id))).media

    async def upload(self, user_id: int, content_type: str, content: bytes, alt_text: str = "") -> str:
        """Upload a file. Returns the medium's id."""
        started = await self.start(user_id, content_type, len(content), alt_text)
        await self.complete(user_id, started.media_id, await self.put_all(started, content))
        return started.media_id

    async def get(self, user_id: int, media_id: str) -> media_pb2.Media:
        """Get a medium."""
        return (await self.look(user_id, media_id)).media

    async def look(self, user_id: int, media_id: str) -> media_service_pb2.GetMediaResponse:
        """Get a medium and how to resume its upload."""
        request = media_service_pb2.GetMediaRequest(media_id=media_id)
        return await self.public.GetMedia(request, metadata=caller(user_id))

    async def batch_get(self, owner_id: int, media_ids: Sequence[str]) -> list[media_pb2.Media]:
        """Get an owner's media, as other services do."""
        request = media_internal_service_pb2.BatchGetMediaRequest(owner_id=owner_id, media_ids=media_ids)
        return list((await self.internal.BatchGetMedia(request)).media)

    async def settled(self, user_id: int, media_id: str) -> media_pb2.Media:
        """Wait until a medium is READY or REJECTED, and return it."""
        state = media_pb2.MEDIA_STATE_UNSPECIFIED
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                while True:
                    media = await self.get(user_id, media_id)
                    state = media.state
                    if state in {media_pb2.MEDIA_STATE_READY, media_pb2.MEDIA_STATE_REJECTED}:
                        return media
                    await asyncio.sleep(0.05)
        except TimeoutError as error:
            events = kinds(await self.events_of(media_id))
            raise AssertionError(f"{media_id} is {media_pb2.MediaState.Name(state)}, its events: {events}") from error

    async def processing(self, user_id: int, media_id: str) -> media_pb2.Media:
        """Wait until a medium's upload is complete, and return the medium."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while True:
                media = await self.get(user_id, media_id)
                if media.state != media_pb2.MEDIA_STATE_AWAITING_UPLOAD:
                    return media
                await asyncio.sleep(0.05)

    async def events_of(self, media_id: str) -> list[event_pb2.Event]:
        """Return a medium's events from the outbox, in the order of their ids."""
        return await events_in(self.outbox, media_id)


async def events_in(outbox: OutboxStore, media_id: str) -> list[event_pb2.Event]:
    """Return a medium's events from an outbox, in the order of their ids."""
    first, now = id_millis(PublicId.parse(media_id).local) // MINUTE_MS, time.time_ns() // 1_000_000 // MINUTE_MS
    records = [
        record
        for minute in range(first, now + 1)
        for shard in range(SHARDS)
        for record in await outbox.read_outbox(minute, shard, BEFORE_ALL, 1_000)
    ]
    records.sort(key=lambda record: record.event_id)
    events = [event_pb2.Event.FromString(record.payload) for record in records]
    return [event for event in events if media_id in _media_ids(event)]


def _media_ids(event: event_pb2.Event) -> set[str]:
    media = (event.media_ready.media, event.media_rejected.media, event.media_improved.media)
    return {event.media_uploaded.media_id, *(each.media_id for each in media)}


def kinds(events: Sequence[event_pb2.Event]) -> list[str | None]:
    """Return the kinds of events."""
    return [event.WhichOneof("payload") for event in events]
