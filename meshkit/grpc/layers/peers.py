"""Which part of the mesh may call what, told by its certificate."""

from typing import Any

from meshkit.errors import PermissionDeniedError
from meshkit.grpc.layers.base import INTERNAL_SUFFIX, Handler, Layer, Method
from meshkit.grpc.layers.caller import SESSION_KEY, USER_KEY
from meshkit.identity.mtls import peer_name
from meshkit.identity.parts import EDGE, OPS, SERVICES

# Apps' methods are called by whom apps call; the services' own by them, and by people who look for a fault.
_PUBLIC = frozenset({EDGE})
_INTERNAL = frozenset({*SERVICES, OPS})
_OURS = "lensfeed."
_IDENTITY = frozenset({USER_KEY, SESSION_KEY})


def peers() -> Layer:
    """Make the layer that refuses (PEER_REFUSED) callers that a method is not for, and any but the edge that state a user."""

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
    """Return who may call a service. What is not of our contracts, as channelz, is for people only."""
    if not service.startswith(_OURS):
        return frozenset({OPS})
    return _INTERNAL if service.endswith(INTERNAL_SUFFIX) else _PUBLIC
