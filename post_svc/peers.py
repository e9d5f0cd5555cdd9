"""The other services that post_svc calls."""

from collections.abc import Sequence

import grpc
from lensfeed.media.v1 import media_internal_service_pb2, media_internal_service_pb2_grpc

from post_svc.manifests import medium_of
from post_svc.model import Medium

MEDIA_SERVICE = media_internal_service_pb2.DESCRIPTOR.services_by_name["MediaInternalService"].full_name


class MediaService:
    """Looks media up in media_svc."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self._stub: media_internal_service_pb2_grpc.MediaInternalServiceAsyncStub
        self._stub = media_internal_service_pb2_grpc.MediaInternalServiceStub(channel)

    async def media_of(self, owner_id: int, media_ids: Sequence[str]) -> Sequence[Medium]:
        """Return the owner's media, in the order of the request."""
        request = media_internal_service_pb2.BatchGetMediaRequest(owner_id=owner_id, media_ids=media_ids)
        response = await self._stub.BatchGetMedia(request)
        return [medium_of(message) for message in response.media]
