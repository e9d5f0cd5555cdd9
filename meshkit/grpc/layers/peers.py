"""Decides by certificate which part of the mesh may call which method."""

from typing import Any

from meshkit.errors import PermissionDeniedError
from meshkit.grpc.layers.base import INTERNAL_SUFFIX, OURS, Handler, Layer, Method
from meshkit.grpc.layers.caller import SESSION_KEY, USER_KEY
from meshkit.identity.mtls import peer_name
from meshkit.identity.parts import EDGE, OPS, SERVICES

# Public methods are called by the edge; internal ones by services, and by operators for debugging.
_PUBLIC = frozenset({EDGE})
_INTERNAL = frozenset({*SERVICES, OPS})
_IDENTITY = frozenset({USER_KEY, SESSION_KEY})


def peers() -> Layer:
    """Create the layer that refuses (PEER_REFUSED) callers a method is not for.

    It also refuses calls with a user id from anybody but the edge.
    """

    def layer(method: Method, handler: Handler) -> Handler:
        admitted = _admitted(method.service)

        async def call(request: Any, context: Any) -> Any:
            name = peer_name(context.auth_context())
            if name not in admitted:
                raise PermissionDeniedError("PEER_REFUSED", "this method is not for this part of the mesh")
            if name != EDGE and any(key in _IDENTITY for key, _ in context.invocation_metadata()):
                raise PermissionDeniedError("PEER_REFUSED", "only the edge says for which user a call is")
            return await handler(request, context)

        return call

    return layer


def _admitted(service: str) -> frozenset[str]:
    """Return who may call a service. Services that are not ours, such as channelz, are for operators only."""
    if not service.startswith(OURS):
        return frozenset({OPS})
    return _INTERNAL if service.endswith(INTERNAL_SUFFIX) else _PUBLIC
