"""The caller that costs next to nothing, against a real gRPC server."""

from collections.abc import AsyncIterator
from typing import Any

import grpc
import pytest

from bench.calling import GET_FEED, call_as, call_for
from bench.http2 import AnswerError

# More than a frame and than the window that a connection begins with.
ANSWER = b"page" * 50_000


class Feed(grpc.GenericRpcHandler):  # type: ignore[type-arg]  # generic in its stubs only
    """Answers GetFeed of one viewer, and refuses others."""

    def __init__(self) -> None:
        self.viewers: set[str] = set()

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> Any:
        """Return the one method."""
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
    """Serve, and give the address."""
    server, handler = grpc.aio.server(options=[("grpc.so_reuseport", 0)]), Feed()
    server.add_generic_rpc_handlers((handler,))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    yield f"127.0.0.1:{port}", handler
    await server.stop(None)


async def test_every_answer_is_counted_with_its_time(feed: tuple[str, Feed]) -> None:
    """All viewers are called for in turn, over all connections, and each answer is read to its end."""
    address, handler = feed
    seconds = await call_for(0.05, address, [1, 2, 3], len(ANSWER), connections=2, at_once=3)
    # What was under way at the end is answered, too.
    assert len(seconds) >= 2 * 3
    assert min(seconds) > 0
    assert handler.viewers == {"1", "2", "3"}


async def test_answers_of_another_size_end_a_measurement(feed: tuple[str, Feed]) -> None:
    """A server that answers something else would be measured at something else."""
    with pytest.raises(AnswerError, match=f"an answer of {len(ANSWER)} bytes, not {len(ANSWER) - 1}"):
        await call_for(0.05, feed[0], [1], len(ANSWER) - 1, connections=1, at_once=1)


async def test_refusals_end_a_measurement(feed: tuple[str, Feed]) -> None:
    """An error is answered faster than a page, and must not count as one."""
    with pytest.raises(AnswerError):
        await call_for(0.05, feed[0], [404], len(ANSWER), connections=1, at_once=1)


@pytest.mark.parametrize("length", [126, 127, 128, 254, 255, 400, 4_000])
async def test_headers_of_any_length_arrive(feed: tuple[str, Feed], length: int) -> None:
    """A token is longer than what one byte can tell of, and longer ones take more bytes."""
    address, handler = feed
    name = "7" * length
    assert await call_as(0.01, address, [[("x-user-id", name)]], len(ANSWER), connections=1, at_once=1)
    assert handler.viewers == {name}
