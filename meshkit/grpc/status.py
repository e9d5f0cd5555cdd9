"""Maps errors to gRPC codes and to the google.rpc.Status that a caller gets."""

import math
from collections.abc import Callable

import grpc
import redis.exceptions
from google.protobuf import any_pb2, duration_pb2
from google.protobuf.message import Message
from google.rpc import error_details_pb2, status_pb2

from meshkit import errors

DOMAIN = "lensfeed"
DETAILS_KEY = "grpc-status-details-bin"
RETRY_AFTER_KEY = "retry-after"

# Looked up along the MRO, so that subclasses need no entry.
CODES: dict[type[BaseException], grpc.StatusCode] = {
    errors.InvalidArgumentError: grpc.StatusCode.INVALID_ARGUMENT,
    errors.UnauthenticatedError: grpc.StatusCode.UNAUTHENTICATED,
    errors.PermissionDeniedError: grpc.StatusCode.PERMISSION_DENIED,
    errors.NotFoundError: grpc.StatusCode.NOT_FOUND,
    errors.AlreadyExistsError: grpc.StatusCode.ALREADY_EXISTS,
    errors.FailedPreconditionError: grpc.StatusCode.FAILED_PRECONDITION,
    errors.ResourceExhaustedError: grpc.StatusCode.RESOURCE_EXHAUSTED,
    errors.UnimplementedError: grpc.StatusCode.UNIMPLEMENTED,
    errors.DeadlineExceededError: grpc.StatusCode.DEADLINE_EXCEEDED,
    errors.UnavailableError: grpc.StatusCode.UNAVAILABLE,
}
# Errors of peers as our own. Any other code of a peer is a bug of ours and stays an unknown error.
_PEER: dict[grpc.StatusCode, Callable[[], errors.LensfeedError]] = {
    grpc.StatusCode.UNAVAILABLE: errors.UnavailableError,
    # The peer stopped. A call that we cancel ourselves raises asyncio's CancelledError instead.
    grpc.StatusCode.CANCELLED: errors.UnavailableError,
    grpc.StatusCode.RESOURCE_EXHAUSTED: errors.UnavailableError,
    grpc.StatusCode.DEADLINE_EXCEEDED: errors.DeadlineExceededError,
}


# Redis cannot be reached, or it does not serve because it has become a replica, is full or lacks the slot.
_AWAY = (
    redis.exceptions.ConnectionError,
    redis.exceptions.TimeoutError,
    redis.exceptions.ReadOnlyError,
    redis.exceptions.OutOfMemoryError,
    redis.exceptions.ClusterDownError,
    redis.exceptions.TryAgainError,
)
# Redis has no disk, or too few replicas. redis-py has no classes for these.
_REFUSAL_WORDS = ("MISCONF", "NOREPLICAS")


def known_error(error: BaseException) -> errors.LensfeedError | None:
    """Return the error to send to the caller, or None if it is internal."""
    match error:
        case errors.LensfeedError():
            return error
        case redis.exceptions.RedisError() if _is_away(error):
            return errors.UnavailableError()
        case TimeoutError():
            return errors.DeadlineExceededError()
        case grpc.aio.AioRpcError() if error.code() in _PEER:
            return _PEER[error.code()]()
        case NotImplementedError():
            return errors.UnimplementedError("NOT_IMPLEMENTED", "this method is not implemented yet")
        case _:
            return None


def _is_away(error: redis.exceptions.RedisError) -> bool:
    return isinstance(error, _AWAY) or str(error).startswith(_REFUSAL_WORDS)


def is_outage(error: BaseException) -> bool:
    """Tell whether an error means that a part is down or too slow, so that a retry or fallback may help."""
    return isinstance(known_error(error), errors.UnavailableError | errors.DeadlineExceededError)


def code_of(error: errors.LensfeedError) -> grpc.StatusCode:
    """Return the gRPC code of an error."""
    return next((CODES[kind] for kind in type(error).__mro__ if kind in CODES), grpc.StatusCode.INTERNAL)


def status_of(error: errors.LensfeedError) -> status_pb2.Status:
    """Return the status of an error, with ErrorInfo and, where they apply, BadRequest and RetryInfo."""
    details: list[Message] = [error_details_pb2.ErrorInfo(reason=error.reason, domain=DOMAIN)]
    if error.violations:
        details.append(_bad_request(error))
    if error.retry_after is not None:
        delay = duration_pb2.Duration()
        delay.FromMilliseconds(round(error.retry_after * 1000))
        details.append(error_details_pb2.RetryInfo(retry_delay=delay))
    return status_pb2.Status(
        code=code_of(error).value[0], message=error.message, details=[_pack(part) for part in details]
    )


def trailers_of(error: errors.LensfeedError) -> tuple[tuple[str, str | bytes], ...]:
    """Return the metadata with the details of the status."""
    trailers: list[tuple[str, str | bytes]] = [(DETAILS_KEY, status_of(error).SerializeToString())]
    if error.retry_after is not None:
        trailers.append((RETRY_AFTER_KEY, str(max(1, math.ceil(error.retry_after)))))
    return tuple(trailers)


def _bad_request(error: errors.LensfeedError) -> error_details_pb2.BadRequest:
    return error_details_pb2.BadRequest(
        field_violations=[
            error_details_pb2.BadRequest.FieldViolation(
                field=violation.field, description=violation.message, reason=violation.reason
            )
            for violation in error.violations
        ]
    )


def _pack(message: Message) -> any_pb2.Any:
    packed = any_pb2.Any()
    packed.Pack(message)
    return packed
