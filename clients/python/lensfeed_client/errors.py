"""The error that calls raise."""

from typing import Any, NamedTuple

import grpc
from google.protobuf.message import DecodeError
from google.rpc.error_details_pb2 import BadRequest, ErrorInfo, RetryInfo
from google.rpc.status_pb2 import Status

_DETAILS_KEY = "grpc-status-details-bin"


class Violation(NamedTuple):
    """A field of a request that is invalid."""

    field: str
    """The field's path, such as `media_ids`."""
    reason: str
    """What is wrong, for programs, such as CAPTION_TOO_LONG."""
    description: str
    """The same for people."""


class LensfeedError(Exception):
    """A call that the mesh refused or did not answer in time.

    `code` is gRPC's status code. `reason` is the contract's, such as HANDLE_TAKEN, or empty. `message` is for people.
    `violations` lists the invalid fields. `retry_after` is how many seconds to wait before another attempt, if known.
    """

    def __init__(
        self,
        code: grpc.StatusCode,
        reason: str,
        message: str,
        *,
        violations: tuple[Violation, ...] = (),
        retry_after: float | None = None,
    ) -> None:
        super().__init__(f"{reason or code.name}: {message}")
        self.code = code
        self.reason = reason
        self.message = message
        self.violations = violations
        self.retry_after = retry_after


def from_rpc(error: grpc.aio.AioRpcError) -> LensfeedError:
    """Read the details of a failed call."""
    info, fields, retry = ErrorInfo(), BadRequest(), RetryInfo()
    found = {type(each) for detail in _status(error).details for each in (info, fields, retry) if detail.Unpack(each)}
    return LensfeedError(
        error.code(),
        info.reason,
        error.details() or "no answer",
        violations=tuple(Violation(each.field, each.reason, each.description) for each in fields.field_violations),
        retry_after=retry.retry_delay.ToTimedelta().total_seconds() if RetryInfo in found else None,
    )


def _status(error: grpc.aio.AioRpcError) -> Status:
    trailers: Any = error.trailing_metadata() or ()  # the type stubs lack aio's Metadata
    details = next((value for key, value in trailers if key == _DETAILS_KEY), b"")
    try:
        return Status.FromString(details)
    except DecodeError:  # sent by a proxy that is not lensfeed; the code has to do
        return Status()
