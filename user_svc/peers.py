"""The other services that user_svc calls."""

import grpc
from lensfeed.media.v1 import media_internal_service_pb2, media_internal_service_pb2_grpc, media_pb2

from meshkit.ids import MalformedIdError, PublicId
from user_svc.model import Picture, Rendition

MEDIA_SERVICE = "lensfeed.media.v1.MediaInternalService"


class MediaPictures:
    """Looks photos up in media_svc."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self._stub = media_internal_service_pb2_grpc.MediaInternalServiceStub(channel)

    async def find_picture(self, owner_id: int, media_id: str) -> Picture | None:
        """Return a medium of this owner, or None if it does not exist or belongs to another."""
        try:
            PublicId.parse(media_id)
        except MalformedIdError:
            return None  # a malformed id names nothing: no need to ask
        request = media_internal_service_pb2.BatchGetMediaRequest(owner_id=owner_id, media_ids=[media_id])
        answer = await self._stub.BatchGetMedia(request)
        return picture_of(answer.media[0]) if answer.media else None


def picture_of(media: media_pb2.Media) -> Picture:
    """Return what an avatar needs of a medium."""
    is_photo = media.kind == media_pb2.MEDIA_KIND_PHOTO
    return Picture(
        is_ready_photo=is_photo and media.state == media_pb2.MEDIA_STATE_READY,
        renditions=[Rendition(each.url, each.content_type, each.width) for each in media.renditions],
    )
