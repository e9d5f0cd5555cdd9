"""Wait until an upload has been processed."""

import asyncio
from typing import TYPE_CHECKING

import grpc
from lensfeed.media.v1.media_pb2 import Media, MediaState
from lensfeed.media.v1.media_service_pb2 import GetMediaRequest

from lensfeed_client.errors import LensfeedError

if TYPE_CHECKING:
    from lensfeed.media.v1.media_service_pb2_grpc import MediaServiceAsyncStub

FIRST_PAUSE_SECONDS = 0.1
LONGEST_PAUSE_SECONDS = 2.0


def rejected(media: Media) -> LensfeedError:
    """Return the error for a rejected medium."""
    return LensfeedError(grpc.StatusCode.FAILED_PRECONDITION, media.failure.reason, media.failure.message)


async def wait_until_ready(media: "MediaServiceAsyncStub", media_id: str, seconds: float) -> Media:
    """Poll until a medium is READY, less and less often, and return it. Raises LensfeedError."""
    pause = FIRST_PAUSE_SECONDS
    try:
        async with asyncio.timeout(seconds):
            while True:
                found = (await media.GetMedia(GetMediaRequest(media_id=media_id))).media
                if found.state == MediaState.MEDIA_STATE_READY:
                    return found
                if found.state == MediaState.MEDIA_STATE_REJECTED:
                    raise rejected(found)
                await asyncio.sleep(pause)
                pause = min(pause * 1.5, LONGEST_PAUSE_SECONDS)
    except TimeoutError:
        raise LensfeedError(
            grpc.StatusCode.DEADLINE_EXCEEDED, "", f"the medium was not ready after {seconds:g} s"
        ) from None
