"""Errors to statuses. What is not known is logged whole and told to nobody."""

from typing import Any

import grpc
import structlog

from meshkit.errors import LensfeedError, UnavailableError
from meshkit.grpc.layers.base import Handler, Layer, Method
from meshkit.grpc.status import code_of, known_error, trailers_of

_log = structlog.get_logger()


class _InternalError(LensfeedError):
    """Something broke that we did not foresee. Without a row in the table of codes it is INTERNAL."""


_INTERNAL = _InternalError("INTERNAL", "something went wrong on our side")


def errors() -> Layer:
    """Make the layer that ends a failing call with code, message and details."""

    def layer(method: Method, handler: Handler) -> Handler:
        async def call(request: Any, context: Any) -> Any:
            try:
                return await handler(request, context)
            except grpc.aio.AbortError:
                raise  # an Exception, and already the end of the call
            except Exception as error:  # noqa: BLE001 - the boundary: all that a method can raise ends here
                known = known_error(error)
                if known is None:
                    _log.exception("call_failed", method=method.path, exc_info=error)
                    known = _INTERNAL
                elif isinstance(known, UnavailableError):
                    # Which part is down is for us to know, and not for the caller.
                    _log.warning("call_unavailable", method=method.path, error=repr(error.__cause__ or error))
            return await context.abort(code_of(known), known.message, trailers_of(known))

        return call

    return layer
