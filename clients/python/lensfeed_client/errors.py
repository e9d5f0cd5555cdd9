"""What a call can fail with."""

from typing import Any, NamedTuple

import grpc
from google.protobuf.message import DecodeError
from google.rpc.error_details_pb2 import BadRequest, ErrorInfo, RetryInfo
from google.rpc.status_pb2 import Status

_DETAILS_KEY = "grpc-status-details-bin"


class Violation(NamedTuple):
    """One field of a request that is not as it must be."""

    field: str
    """Its path, as `media_ids`."""
    reason: str
    """The contract's word for what is wrong, as CAPTION_TOO_LONG."""
    description: str
    """The same for people."""


class LensfeedError(Exception):
    """A call that failed: refused by the mesh, or not answered by it in time.

    `code` is gRPC's, `reason` the contract's word for why (as HANDLE_TAKEN; empty where there is none), `message` is for people.
    `violations` tells which fields are wrong, and `retry_after` in how many seconds another try is welcome, where that is known.
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
    """Read what a failed call says about itself."""
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
    trailers: Any = error.trailing_metadata() or ()  # its stubs know no aio Metadata
    details = next((value for key, value in trailers if key == _DETAILS_KEY), b"")
    try:
        return Status.FromString(details)
    except DecodeError:  # something on the way that is not lensfeed; the code says enough
        return Status()
