"""Refuses to answer with what belongs to others unless the gate was asked."""

from typing import Any

from meshkit.call import is_gate_asked
from meshkit.grpc.layers.base import Handler, Layer, Method


class GateNotAskedError(Exception):
    """A bug: a method would have shown what belongs to other accounts without asking what its caller may see."""


def sight() -> Layer:
    """Create the layer that turns such an answer into INTERNAL. Methods that show nothing of others are left as they are."""

    def layer(method: Method, handler: Handler) -> Handler:
        if not method.shows_others:
            return handler

        async def call(request: Any, context: Any) -> Any:
            answer = await handler(request, context)
            if not is_gate_asked():
                raise GateNotAskedError(method.path)
            return answer

        return call

    return layer
