"""Parses and checks requests, so that invalid ones get an error of the contract, and serializes responses."""

from typing import Any

from google.protobuf.message import DecodeError

from meshkit.call import caller_id
from meshkit.errors import InvalidArgumentError
from meshkit.grpc.layers.base import Handler, Layer, Method
from meshkit.grpc.layers.validation import Validation

# A check takes as long as a round trip to Redis, and the most frequent requests are short and identical: first pages. So the
# messages of valid requests of up to KNOWN_BYTES are kept per method, up to KNOWN_REQUESTS. A page with a cursor is longer and
# rarely repeated. Only reads are kept, as other requests may hold a password.
KNOWN_BYTES = 48
KNOWN_REQUESTS = 1_024


def requests() -> Layer:
    """Create the layer that parses the request, checks it, and that a method that needs a user has one.

    Handlers must not change the message, which may be another call's as well. They may return their response serialized.
    """
    validation = Validation()

    def layer(method: Method, handler: Handler) -> Handler:
        known: dict[bytes, Any] = {}

        def checked(request: bytes) -> Any:
            message = _parsed(method, request)
            if method.needs_user:
                caller_id()
            validation.check(message)
            if method.is_read and len(request) <= KNOWN_BYTES:
                if len(known) >= KNOWN_REQUESTS:
                    known.clear()
                known[request] = message
            return message

        async def call(request: bytes, context: Any) -> bytes:
            message = known.get(request)
            if message is None:
                message = checked(request)
            elif method.needs_user:
                caller_id()
            response = await handler(message, context)
            return response if isinstance(response, bytes) else bytes(response.SerializeToString())

        return call

    return layer


def _parsed(method: Method, request: bytes) -> Any:
    try:
        return method.parse(request)
    except DecodeError:
        raise InvalidArgumentError("BODY_MALFORMED", "the request is not a message of this method") from None
