"""Junk in headers and frames of calls: the caller gets a clear error in our words, and others are served meanwhile."""

import asyncio
import struct
import zlib
from secrets import randbelow, token_bytes, token_urlsafe

import grpc
import httpx
import pytest
from google.rpc.code_pb2 import Code

from tests.edge_proxy.backend import Backend
from tests.edge_proxy.conftest import Edge, Signer
from tests.edge_proxy.protocols import ALL, ReadFeed, rest_feed
from tests.protocols import grpc_web_outcome

pytestmark = pytest.mark.slow

POST = "/lensfeed.post.v1.PostService/CreatePost"
LIBRARY = "library words at ipv4:10.1.2.3:50051"
OTHERS = 200
MIN_SERVED = 0.99


def compressed(message: bytes) -> bytes:
    """Return a message in a gRPC frame that says it is compressed."""
    return struct.pack(">BI", 1, len(message)) + message


@pytest.mark.parametrize("read_feed", ALL)
@pytest.mark.parametrize("size", [8_000, 8_500, 12_000, 16_500, 30_000])
async def test_large_headers(edge: Edge, backend: Backend, signer: Signer, read_feed: ReadFeed, size: int) -> None:
    """Before: above 8 KiB sometimes, above 16 KiB always 429 with internal header names. Now: 431 at the edge."""
    for _ in range(10):
        outcome = await read_feed(edge, {**of_somebody(signer), "x-large": "a" * size})
        assert (outcome.code, outcome.reason) == (Code.RESOURCE_EXHAUSTED, "MESSAGE_TOO_LARGE")
    assert backend.seen == []


@pytest.mark.parametrize("read_feed", ALL)
async def test_headers_below_the_limit(edge: Edge, backend: Backend, signer: Signer, read_feed: ReadFeed) -> None:
    """Before: gRPC refused some calls below 8 KiB, too, as the edge adds headers. Now: the limit leaves room for them."""
    for count in (1, 50):
        for _ in range(20):
            many = {f"x-header-{number}": "a" * ((5_600 - 45 * count) // count) for number in range(count)}
            assert (await read_feed(edge, {**of_somebody(signer), **many})).code == Code.OK
    assert len(backend.seen) == 40


async def test_cookies_are_dropped(edge: Edge, backend: Backend, bearer: dict[str, str]) -> None:
    """Before: cookies of other apps on the domain reached the services, which refused them. Now: the edge drops them."""
    response = await edge.http.get("/feed", headers={**bearer, "cookie": "session=" + "a" * 20_000})
    assert response.status_code == 200
    assert "cookie" not in backend.last.metadata


@pytest.mark.parametrize("read_feed", ALL)
@pytest.mark.parametrize("code", [code for code in grpc.StatusCode if code is not grpc.StatusCode.OK])
async def test_no_library_speaks(
    edge: Edge, backend: Backend, signer: Signer, read_feed: ReadFeed, code: grpc.StatusCode
) -> None:
    """Before: an error that a service's gRPC library made reached the caller. Now: it is an error of the contract."""
    backend.failure, backend.failures_left = (code, "", LIBRARY), 2
    outcome = await read_feed(edge, of_somebody(signer))
    assert outcome.code != Code.OK
    assert outcome.reason
    assert (outcome.domain, "library" in outcome.message) == ("lensfeed", False)
    if outcome.code == Code.UNAVAILABLE:
        assert (outcome.retry_after, outcome.retry_delay) == ("1", 1)


@pytest.mark.parametrize("encoding", ["deflate", "gzip"])
@pytest.mark.parametrize("content_type", ["application/grpc", "application/grpc-web+proto"])
async def test_junk_that_claims_to_be_compressed(
    edge: Edge, backend: Backend, signer: Signer, encoding: str, content_type: str
) -> None:
    """Before: INTERNAL in the library's words. Now: BODY_MALFORMED, and other calls are served."""
    headers = {**of_somebody(signer), "content-type": content_type, "grpc-encoding": encoding, "te": "trailers"}

    async def attack() -> None:
        for _ in range(50):
            response = await edge.http.post(POST, content=compressed(token_bytes(200)), headers=headers)
            outcome = grpc_web_outcome(response)
            assert (outcome.code, outcome.reason) == (Code.INVALID_ARGUMENT, "BODY_MALFORMED")

    served, _ = await asyncio.gather(share_served(edge, signer), attack())
    assert served >= MIN_SERVED
    assert {seen.method for seen in backend.seen} == {"GetFeed"}


async def test_a_good_compressed_message_passes(edge: Edge, backend: Backend, bearer: dict[str, str]) -> None:
    """Compression itself still works."""
    headers = {**bearer, "content-type": "application/grpc-web+proto", "grpc-encoding": "deflate"}
    await edge.http.post(POST, content=compressed(zlib.compress(b"\x0a\x01a")), headers=headers)
    assert backend.last.request.caption == "a"


@pytest.mark.usefixtures("backend")
async def test_junk_tokens(edge: Edge, signer: Signer) -> None:
    """Before and now: junk in Authorization is TOKEN_INVALID or TOKEN_MISSING; others are served meanwhile."""
    header, payload, signature = signer.token().split(".")
    junk = [
        "Bearer",
        "Bearer .",
        "Bearer ..",
        "Bearer a.b.c.d",
        f"Bearer {token_urlsafe(3_000)}",
        f"Bearer {header}.{payload}.",
        f"Bearer {header}.{payload}.{signature[::-1]}",
        f"Bearer {header}.{payload[:-2]}.{signature}",
        f"Bearer {header}.{token_urlsafe(2_000)}.{signature}",
        f"Bearer {header * 20}.{payload}.{signature}",
        f"bearer {header}.{payload}.{signature} {signature}",
        "Bearer %00%ff",
        "Basic " + token_urlsafe(100),
        ",".join(["Bearer x"] * 100),
    ]

    async def attack() -> None:
        for value in junk * 5:
            for read_feed in ALL[::2]:
                outcome = await read_feed(edge, {"authorization": value})
                assert outcome.code == Code.UNAUTHENTICATED, value
                assert outcome.reason in {"TOKEN_INVALID", "TOKEN_MISSING"}, value

    served, _ = await asyncio.gather(share_served(edge, signer), attack())
    assert served >= MIN_SERVED


@pytest.mark.usefixtures("backend")
async def test_rapid_resets(edge: Edge, signer: Signer) -> None:
    """Before and now: a client that opens and resets streams loses its connection; others are served meanwhile."""
    served, ended = await asyncio.gather(share_served(edge, signer), reset_streams(edge, 20_000))
    assert served >= MIN_SERVED
    assert ended


def of_somebody(signer: Signer) -> dict[str, str]:
    """Return the token of a user whose rate limit nothing else uses."""
    return {"authorization": f"Bearer {signer.token(sub=str(randbelow(2**60)))}"}


async def share_served(edge: Edge, signer: Signer) -> float:
    """Read feeds as another user from another connection and return the share of good responses."""
    good, headers = 0, of_somebody(signer)
    async with httpx.AsyncClient(base_url=edge.http.base_url, timeout=30) as http:
        other = Edge(edge.address, http, edge.channel, edge.process, edge.log, edge.admin)
        for _ in range(OTHERS):
            good += (await rest_feed(other, headers)).code == Code.OK
            await asyncio.sleep(0.005)
    return good / OTHERS


def frame(kind: int, flags: int, stream: int, payload: bytes) -> bytes:
    """Return an HTTP/2 frame."""
    return struct.pack(">I", len(payload))[1:] + struct.pack(">BBI", kind, flags, stream) + payload


async def reset_streams(edge: Edge, count: int) -> bool:
    """Open and reset streams of one connection. Returns whether the edge closed it."""
    reader, writer = await asyncio.open_connection(*edge.address.split(":"))
    # GET, http, and literals for :path and :authority (RFC 7541).
    headers = b"\x82\x86\x04\x05/feed\x01\x04edge"
    writer.write(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + frame(4, 0, 0, b""))
    try:
        for number in range(count):
            stream = 2 * number + 1
            writer.write(frame(1, 5, stream, headers) + frame(3, 0, stream, struct.pack(">I", 8)))
            await writer.drain()
        async with asyncio.timeout(10):
            while await reader.read(65_536):
                pass
    except (ConnectionError, TimeoutError) as error:
        return not isinstance(error, TimeoutError)
    finally:
        writer.close()
    return True
