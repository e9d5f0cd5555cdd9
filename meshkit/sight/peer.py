"""Asks follow_svc what viewers may see."""

import contextlib
from collections.abc import AsyncIterator, Mapping, Sequence

import grpc
from lensfeed.follow.v1 import follow_internal_service_pb2, follow_internal_service_pb2_grpc

from meshkit.grpc.channels import connect
from meshkit.service_settings import SightSettings
from meshkit.sight.gate import Gate
from meshkit.sight.kinds import SightKind

_FOLLOW_SERVICE = follow_internal_service_pb2.DESCRIPTOR.services_by_name["FollowInternalService"].full_name
_KNOWN = frozenset(kind.value for kind in SightKind)


class FollowSights:
    """The answers of a running follow_svc."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self._stub: follow_internal_service_pb2_grpc.FollowInternalServiceAsyncStub
        self._stub = follow_internal_service_pb2_grpc.FollowInternalServiceStub(channel)

    async def get_sights(self, viewer_id: int, user_ids: Sequence[int]) -> Mapping[int, SightKind]:
        """Return what a viewer may see of at most 200 accounts. A kind that this version does not know is left out."""
        request = follow_internal_service_pb2.GetSightsRequest(viewer_id=viewer_id, user_ids=user_ids)
        answer = await self._stub.GetSights(request)
        return {sight.user_id: SightKind(sight.kind) for sight in answer.sights if sight.kind in _KNOWN}


@contextlib.asynccontextmanager
async def open_gate(settings: SightSettings, part: str) -> AsyncIterator[Gate]:
    """Open the gate of a service. It does not wait for follow_svc, which may start later."""
    async with connect(settings.follow_addr, _FOLLOW_SERVICE, identity=settings.identity_of(part)) as channel:
        yield Gate(FollowSights(channel))
