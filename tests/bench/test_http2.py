"""The minimal gRPC client, against a real gRPC server."""

from collections.abc import AsyncIterator
from typing import Any

import grpc
import pytest

from bench.calling import GET_FEED, call_as, call_for
from bench.http2 import AnswerError

# Larger than a frame and than the initial window of a connection.
ANSWER = b"page" * 50_000


class Feed(grpc.GenericRpcHandler):  # type: ignore[type-arg]  # generic in its stubs only
    """Serves GetFeed to one viewer and refuses others."""

    def __init__(self) -> None:
        self.viewers: set[str] = set()

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> Any:
        """Return the only method."""
        return grpc.unary_unary_rpc_method_handler(self.answer) if handler_call_details.method == GET_FEED else None

    async def answer(self, _request: bytes, context: Any) -> bytes:
        """Answer."""
        viewer = dict(context.invocation_metadata())["x-user-id"]
        self.viewers.add(viewer)
        if viewer == "404":
            await context.abort(grpc.StatusCode.NOT_FOUND, "nobody")
        return ANSWER


@pytest.fixture
async def feed() -> AsyncIterator[tuple[str, Feed]]:
    """Run the server. Yields its address."""
    server, handler = grpc.aio.server(options=[("grpc.so_reuseport", 0)]), Feed()
    server.add_generic_rpc_handlers((handler,))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    yield f"127.0.0.1:{port}", handler
    await server.stop(None)


async def test_every_response_is_counted_with_its_time(feed: tuple[str, Feed]) -> None:
    """All viewers are used in turn over all connections, and each response is read completely."""
    address, handler = feed
    seconds = await call_for(0.05, address, [1, 2, 3], len(ANSWER), connections=2, at_once=3)
    # Calls in flight at the end are answered, too.
    assert len(seconds) >= 2 * 3
    assert min(seconds) > 0
    assert handler.viewers == {"1", "2", "3"}


async def test_responses_of_another_size_raise(feed: tuple[str, Feed]) -> None:
    """An unexpected response ends the benchmark."""
    with pytest.raises(AnswerError, match=f"response of {len(ANSWER)} bytes instead of {len(ANSWER) - 1}"):
        await call_for(0.05, feed[0], [1], len(ANSWER) - 1, connections=1, at_once=1)


async def test_errors_raise(feed: tuple[str, Feed]) -> None:
    """An error response, which is faster than a page, ends the benchmark."""
    with pytest.raises(AnswerError):
        await call_for(0.05, feed[0], [404], len(ANSWER), connections=1, at_once=1)


@pytest.mark.parametrize("length", [126, 127, 128, 254, 255, 400, 4_000])
async def test_headers_of_any_length_arrive(feed: tuple[str, Feed], length: int) -> None:
    """Header values of any length are encoded correctly."""
    address, handler = feed
    name = "7" * length
    assert await call_as(0.01, address, [[("x-user-id", name)]], len(ANSWER), connections=1, at_once=1)
    assert handler.viewers == {name}
