"""Calls the edge in each protocol, with one type of outcome."""

import base64
import struct
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Protocol, cast

import grpc
import httpx
from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.message import Message
from google.rpc.error_details_pb2 import BadRequest, ErrorInfo, RetryInfo
from google.rpc.status_pb2 import Status

Headers = dict[str, str]
Violations = tuple[tuple[str, str], ...]
_DATA, _TRAILERS = 0, 0x80


class Edge(Protocol):
    """Clients of an edge."""

    @property
    def http(self) -> httpx.AsyncClient:
        """Its HTTP, with its address as base."""

    @property
    def channel(self) -> grpc.aio.Channel:
        """Its gRPC."""


@dataclass
class Outcome:
    """The answer's bytes, or the gRPC code and error details. `violations` are (field, reason)."""

    code: int
    message: str = ""
    reason: str = ""
    domain: str = ""
    retry_after: str = ""
    retry_delay: int = 0
    violations: Violations = ()
    answer: bytes = b""


async def grpc_call(edge: Edge, path: str, request: Message, headers: Headers) -> Outcome:
    """Call by native gRPC."""
    method = edge.channel.unary_unary(
        path, request_serializer=type(request).SerializeToString, response_deserializer=bytes
    )
    try:
        answer = await method(request, metadata=tuple(_metadata(headers)), timeout=_timeout(headers))
    except grpc.aio.AioRpcError as error:
        trailers: dict[str, Any] = dict(cast("Iterable[tuple[str, Any]]", error.trailing_metadata()))
        return _failure(Status.FromString(trailers["grpc-status-details-bin"]), trailers.get("retry-after", ""))
    return Outcome(0, answer=answer)


async def grpc_web_call(edge: Edge, path: str, request: Message, headers: Headers) -> Outcome:
    """Call by gRPC-Web, with manual framing."""
    content = struct.pack(">BI", _DATA, request.ByteSize()) + request.SerializeToString()
    sent = {"content-type": "application/grpc-web+proto", "x-grpc-web": "1", **headers}
    return grpc_web_outcome(await edge.http.post(path, content=content, headers=sent))


def grpc_web_outcome(response: httpx.Response) -> Outcome:
    """Parse a gRPC-Web answer. An error of the edge for gRPC over HTTP/1.1 has the same form."""
    assert response.status_code == 200
    assert response.headers["content-type"] in {"application/grpc-web+proto", "application/grpc"}
    if response.headers.get("grpc-status", "0") != "0":
        details = response.headers["grpc-status-details-bin"]
        status = Status.FromString(base64.b64decode(details + "=" * (-len(details) % 4)))
        assert str(status.code) == response.headers["grpc-status"]
        return _failure(status, response.headers.get("retry-after", ""))
    frames = dict(_frames(response.content))
    assert b"grpc-status:0\r\n" in frames[_TRAILERS]
    return Outcome(0, answer=frames[_DATA])


def rest_outcome(response: httpx.Response) -> Outcome:
    """Parse a REST answer."""
    if response.is_success:
        return Outcome(0, answer=response.content)
    body = response.json()
    details = {detail["@type"].rpartition(".")[2]: detail for detail in body["details"]}
    violations = details.get("BadRequest", {}).get("fieldViolations", [])
    return Outcome(
        code=body["code"],
        message=body["message"],
        reason=details["ErrorInfo"]["reason"],
        domain=details["ErrorInfo"]["domain"],
        retry_after=response.headers.get("retry-after", ""),
        retry_delay=int(details.get("RetryInfo", {"retryDelay": "0s"})["retryDelay"].removesuffix("s")),
        violations=tuple((each["field"], each["reason"]) for each in violations),
    )


def _metadata(headers: Headers) -> Iterable[tuple[str, str | bytes]]:
    for name, value in headers.items():
        if name == "grpc-timeout":
            continue
        yield name, value.encode() if name.endswith("-bin") else value


def _timeout(headers: Headers) -> float | None:
    """Parse `grpc-timeout`, which the gRPC library sets, to milliseconds."""
    return int(headers["grpc-timeout"].removesuffix("m")) / 1000 if "grpc-timeout" in headers else None


def _frames(content: bytes) -> Iterable[tuple[int, bytes]]:
    while content:
        kind, size = struct.unpack_from(">BI", content)
        yield kind, content[5 : 5 + size]
        content = content[5 + size :]


def _failure(status: Status, retry_after: str) -> Outcome:
    info, bad_request, retry = ErrorInfo(), BadRequest(), RetryInfo()
    assert status.details[0].Unpack(info)
    for detail in status.details:
        _unpack(detail, bad_request, retry)
    violations = tuple((each.field, each.reason) for each in bad_request.field_violations)
    delay = retry.retry_delay.seconds
    return Outcome(status.code, status.message, info.reason, info.domain, retry_after, delay, violations)


def _unpack(detail: AnyMessage, *kinds: Message) -> None:
    for kind in kinds:
        detail.Unpack(kind)
