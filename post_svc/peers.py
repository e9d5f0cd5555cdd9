"""The other services, as the ports of the use cases."""

from collections.abc import Sequence

import grpc
from lensfeed.media.v1 import media_internal_service_pb2, media_internal_service_pb2_grpc, media_pb2
from lensfeed.post.v1 import post_pb2

from post_svc.model import Medium, MediumState

MEDIA_SERVICE = media_internal_service_pb2.DESCRIPTOR.services_by_name["MediaInternalService"].full_name
_STATES = {
    media_pb2.MEDIA_STATE_READY: MediumState.READY,
    media_pb2.MEDIA_STATE_REJECTED: MediumState.REJECTED,
}


class MediaService:
    """MediaCatalog over media_svc."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self._stub: media_internal_service_pb2_grpc.MediaInternalServiceAsyncStub
        self._stub = media_internal_service_pb2_grpc.MediaInternalServiceStub(channel)

    async def media_of(self, owner_id: int, media_ids: Sequence[str]) -> Sequence[Medium]:
        """Ask for some media of an owner."""
        request = media_internal_service_pb2.BatchGetMediaRequest(owner_id=owner_id, media_ids=media_ids)
        response = await self._stub.BatchGetMedia(request)
        return [_medium(message) for message in response.media]


def _medium(message: media_pb2.Media) -> Medium:
    # Serialized messages that are joined are one message with all their repeated fields: a manifest is a Post with media only.
    encoded = post_pb2.Post(media=[message]).SerializeToString()
    return Medium(message.media_id, _STATES.get(message.state, MediumState.WAITING), encoded)
