"""Turns exceptions into statuses. Unknown ones are logged and become INTERNAL without details."""

from typing import Any

import grpc
import structlog

from meshkit.call import has_begun
from meshkit.errors import LensfeedError, UnavailableError, UnknownOutcomeError
from meshkit.grpc.layers.base import Handler, Layer, Method
from meshkit.grpc.status import code_of, known_error, trailers_of

_log = structlog.get_logger()


class _InternalError(LensfeedError):
    """An unexpected error. It has no entry in the table of codes, so it is INTERNAL."""


_INTERNAL = _InternalError("INTERNAL", "something went wrong on our side")


def errors() -> Layer:
    """Create the layer that ends a failing call with code, message and details."""

    def layer(method: Method, handler: Handler) -> Handler:
        async def call(request: Any, context: Any) -> Any:
            try:
                return await handler(request, context)
            except grpc.aio.AbortError:
                raise  # an Exception that has already ended the call
            except Exception as error:  # noqa: BLE001 - the boundary for all exceptions of methods
                known = known_error(error)
                if known is None:
                    _log.exception("call_failed", method=method.path, exc_info=error)
                    known = _INTERNAL
                elif isinstance(known, UnavailableError):
                    # Log which part is down, as the caller is not told.
                    _log.warning("call_unavailable", method=method.path, error=repr(error.__cause__ or error))
                    if has_begun():
                        known = UnknownOutcomeError()
            return await context.abort(code_of(known), known.message, trailers_of(known))

        return call

    return layer
