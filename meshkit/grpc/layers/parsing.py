"""Parses requests, so that invalid bytes get the error of the contract."""

from typing import Any

from google.protobuf.message import DecodeError

from meshkit.errors import InvalidArgumentError
from meshkit.grpc.layers.base import Handler, Layer, Method


def parsing() -> Layer:
    """Create the layer that parses the request (or raises BODY_MALFORMED) and serializes the response.

    A method may also return its response as serialized bytes.
    """

    def layer(method: Method, handler: Handler) -> Handler:
        async def call(request: bytes, context: Any) -> bytes:
            try:
                message = method.parse(request)
            except DecodeError:
                raise InvalidArgumentError("BODY_MALFORMED", "the request is not a message of this method") from None
            response = await handler(message, context)
            return response if isinstance(response, bytes) else bytes(response.SerializeToString())

        return call

    return layer
