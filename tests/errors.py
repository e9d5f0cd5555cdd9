"""Reads the details of failed calls."""

from typing import Any

import grpc
from google.protobuf.message import Message
from google.rpc import error_details_pb2, status_pb2

_DETAILS_KEY = "grpc-status-details-bin"


def status_of(error: grpc.aio.AioRpcError) -> status_pb2.Status:
    """Return the google.rpc.Status of an error; fails if there is none."""
    trailers: Any = error.trailing_metadata()  # its stubs know no aio Metadata
    return status_pb2.Status.FromString(trailers[_DETAILS_KEY])


def reason_of(error: grpc.aio.AioRpcError) -> str:
    """Return the reason of an error's ErrorInfo; fails if it is missing or of another domain."""
    info = error_details_pb2.ErrorInfo()
    _unpack(error, info)
    assert info.domain == "lensfeed"
    return str(info.reason)


def violations_of(error: grpc.aio.AioRpcError) -> list[tuple[str, str]]:
    """Return the (field, reason) of each violation in an error's BadRequest; fails if there is none."""
    found = error_details_pb2.BadRequest()
    _unpack(error, found)
    return [(violation.field, violation.reason) for violation in found.field_violations]


def _unpack(error: grpc.aio.AioRpcError, detail: Message) -> None:
    assert any(each.Unpack(detail) for each in status_of(error).details), f"no {detail.DESCRIPTOR.full_name}"
