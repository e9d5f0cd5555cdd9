"""One call in each protocol, with one shape of outcome."""

import base64
import struct
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import Any, cast

import grpc
from google.protobuf.message import Message
from google.rpc.error_details_pb2 import ErrorInfo, RetryInfo
from google.rpc.status_pb2 import Status
from lensfeed.feed.v1 import feed_service_pb2

from tests.edge_proxy.conftest import Edge

FEED_PATH = "/lensfeed.feed.v1.FeedService/GetFeed"
Headers = dict[str, str]


@dataclass
class Outcome:
    """What a caller learns: the gRPC code, and where it failed what it was told."""

    code: int
    message: str = ""
    reason: str = ""
    domain: str = ""
    retry_after: str = ""
    retry_delay: int = 0


async def grpc_call(edge: Edge, path: str, request: Message, headers: Headers) -> Outcome:
    """Call by native gRPC."""
    method = edge.channel.unary_unary(
        path, request_serializer=type(request).SerializeToString, response_deserializer=bytes
    )
    try:
        await method(request, metadata=tuple(_metadata(headers)), timeout=_timeout(headers))
    except grpc.aio.AioRpcError as error:
        trailers: dict[str, Any] = dict(cast("Iterable[tuple[str, Any]]", error.trailing_metadata()))
        return _failure(Status.FromString(trailers["grpc-status-details-bin"]), trailers.get("retry-after", ""))
    return Outcome(0)


async def grpc_web_call(edge: Edge, path: str, request: Message, headers: Headers) -> Outcome:
    """Call by gRPC-Web, framed by hand."""
    content = struct.pack(">BI", 0, request.ByteSize()) + request.SerializeToString()
    sent = {"content-type": "application/grpc-web+proto", "x-grpc-web": "1", **headers}
    response = await edge.http.post(path, content=content, headers=sent)
    assert response.status_code == 200
    assert response.headers["content-type"] == "application/grpc-web+proto"
    if response.headers.get("grpc-status", "0") != "0":
        details = response.headers["grpc-status-details-bin"]
        status = Status.FromString(base64.b64decode(details + "=" * (-len(details) % 4)))
        assert str(status.code) == response.headers["grpc-status"]
        return _failure(status, response.headers.get("retry-after", ""))
    assert b"grpc-status:0\r\n" in response.content
    return Outcome(0)


async def rest_feed(edge: Edge, headers: Headers) -> Outcome:
    """Read the feed by REST."""
    response = await edge.http.get("/feed", headers=headers)
    if response.status_code == 200:
        return Outcome(0)
    body = response.json()
    details = {detail["@type"].rpartition(".")[2]: detail for detail in body["details"]}
    return Outcome(
        code=body["code"],
        message=body["message"],
        reason=details["ErrorInfo"]["reason"],
        domain=details["ErrorInfo"]["domain"],
        retry_after=response.headers.get("retry-after", ""),
        retry_delay=int(details.get("RetryInfo", {"retryDelay": "0s"})["retryDelay"].removesuffix("s")),
    )


async def grpc_feed(edge: Edge, headers: Headers) -> Outcome:
    """Read the feed by gRPC."""
    return await grpc_call(edge, FEED_PATH, feed_service_pb2.GetFeedRequest(), headers)


async def grpc_web_feed(edge: Edge, headers: Headers) -> Outcome:
    """Read the feed by gRPC-Web."""
    return await grpc_web_call(edge, FEED_PATH, feed_service_pb2.GetFeedRequest(), headers)


ReadFeed = Callable[[Edge, Headers], Awaitable[Outcome]]
ALL: tuple[ReadFeed, ...] = (rest_feed, grpc_feed, grpc_web_feed)


def _metadata(headers: Headers) -> Iterable[tuple[str, str | bytes]]:
    for name, value in headers.items():
        if name == "grpc-timeout":
            continue
        yield name, value.encode() if name.endswith("-bin") else value


def _timeout(headers: Headers) -> float | None:
    """Read `grpc-timeout` in milliseconds, which the gRPC library sets by itself."""
    return int(headers["grpc-timeout"].removesuffix("m")) / 1000 if "grpc-timeout" in headers else None


def _failure(status: Status, retry_after: str) -> Outcome:
    info, retry = ErrorInfo(), RetryInfo()
    assert status.details[0].Unpack(info)
    for detail in status.details:
        detail.Unpack(retry)
    return Outcome(status.code, status.message, info.reason, info.domain, retry_after, retry.retry_delay.seconds)
