"""One connection to one Redis server, shared by all tasks.

All commands of one tick of the event loop are sent in one write. Answers arrive in the order of the commands.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, cast

import hiredis
from redis.asyncio.connection import DefaultParser
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError
from redis.exceptions import TimeoutError as RedisTimeoutError

from meshkit.redis.url import Endpoint

Argument = str | bytes | int
Command = tuple[Argument, ...]
# When an answer is overdue, wait this long for unread input: our own process may have been paused.
_LAST_LOOK_SECONDS = 0.02


class NotSentError(RedisConnectionError):
    """The commands were never sent, and so not executed."""


def error_of(reply: hiredis.ReplyError) -> RedisError:
    """Return redis-py's exception for an error answer."""
    error: RedisError = DefaultParser.parse_error(str(reply))  # type: ignore[no-untyped-call]  # it has no types
    return error


class Link(asyncio.Protocol):
    """The protocol of one connection. Calls `on_stall` if the server does not answer in time."""

    def __init__(self, timeout: float, on_stall: Callable[[], None]) -> None:
        self._loop = asyncio.get_running_loop()
        self._timeout = timeout
        self._on_stall = on_stall
        self._reader = hiredis.Reader()
        self._waiting: deque[_Batch] = deque()
        self._unsent: list[bytes] = []
        self._transport: asyncio.WriteTransport | None = None
        self._watch: asyncio.TimerHandle | None = None

    @property
    def is_open(self) -> bool:
        """Whether commands can be sent."""
        return self._transport is not None and not self._transport.is_closing()

    def send(self, commands: Sequence[Command]) -> asyncio.Future[list[Any]]:
        """Queue commands for this tick's write. The future gets their answers, with error answers as values.

        It fails with ConnectionError or TimeoutError if the outcome is unknown. The link must be open.
        """
        batch = _Batch(self._loop.create_future(), len(commands), self._loop.time() + self._timeout)
        if not self._unsent:
            self._loop.call_soon(self._flush)
        for command in commands:
            self._unsent.append(hiredis.pack_command(command))  # type: ignore[arg-type]  # its stub means a tuple of any length
        self._waiting.append(batch)
        if self._watch is None:
            self._watch = self._loop.call_at(batch.due, self._look)
        return batch.done

    def close(self) -> None:
        """Close the connection. Commands in progress fail."""
        self._fail(RedisConnectionError("the connection to Redis was lost"))

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Store the transport."""
        # A stream's transport can write. uvloop's is not a subclass of asyncio's.
        self._transport = cast("asyncio.WriteTransport", transport)

    def data_received(self, data: bytes) -> None:
        """Match answers to commands."""
        self._reader.feed(data)
        waiting = self._waiting
        try:
            while (answer := self._reader.gets()) is not False:
                batch = waiting[0]
                batch.answers.append(answer)
                if len(batch.answers) == batch.size:
                    waiting.popleft()
                    if not batch.done.done():  # its task may have been cancelled
                        batch.done.set_result(batch.answers)
        except (hiredis.ProtocolError, IndexError):
            self.close()  # invalid RESP or an unexpected answer: no later answer can be trusted

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        """Fail the commands in progress."""
        self.close()

    def _flush(self) -> None:
        data = b"".join(self._unsent)
        self._unsent.clear()
        if self._transport is not None:
            self._transport.write(data)

    def _look(self) -> None:
        """Check the oldest batch. One timer per link costs less than one per command."""
        self._watch = None
        if not self._waiting:
            return
        oldest = self._waiting[0]
        if oldest.due > self._loop.time():
            self._watch = self._loop.call_at(oldest.due, self._look)
        else:
            self._watch = self._loop.call_later(_LAST_LOOK_SECONDS, self._give_up, oldest)

    def _give_up(self, overdue: "_Batch") -> None:
        if self._waiting and self._waiting[0] is overdue:
            self._on_stall()
            # A late answer must not be mistaken for the answer to a later command.
            self._fail(RedisTimeoutError("Redis did not answer in time"))
        else:
            self._look()

    def _fail(self, error: RedisError) -> None:
        if self._watch is not None:
            self._watch.cancel()
            self._watch = None
        transport, self._transport = self._transport, None
        if transport is not None:
            transport.abort()
        while self._waiting:
            done = self._waiting.popleft().done
            if not done.done():
                done.set_exception(error)
                done.exception()  # mark as retrieved: nobody may be waiting any more


class _Batch:
    """Commands sent together, and the answers received so far."""

    __slots__ = ("answers", "done", "due", "size")

    def __init__(self, done: asyncio.Future[list[Any]], size: int, due: float) -> None:
        self.done = done
        self.size = size
        self.due = due
        self.answers: list[Any] = []


async def open_link(endpoint: Endpoint, timeout_seconds: float, on_stall: Callable[[], None]) -> Link:
    """Connect and authenticate. Raises OSError, or redis-py's exception if the server refuses or is not ready."""
    loop = asyncio.get_running_loop()

    def make() -> Link:
        return Link(timeout_seconds, on_stall)

    if endpoint.path:
        _, link = await loop.create_unix_connection(make, endpoint.path)
    else:
        _, link = await loop.create_connection(make, endpoint.host, endpoint.port, ssl=endpoint.tls)
    try:
        await _greet(link, endpoint)
    except BaseException:
        link.close()
        raise
    return link


async def _greet(link: Link, endpoint: Endpoint) -> None:
    greeting: list[Command] = []
    if endpoint.password:
        greeting.append(("AUTH", endpoint.username or "default", endpoint.password))
    if endpoint.db:
        greeting.append(("SELECT", endpoint.db))
    # A hung server accepts connections, and one that is loading its data answers only errors.
    greeting.append(("PING",))
    for answer in await link.send(greeting):
        if isinstance(answer, hiredis.ReplyError):
            raise RedisConnectionError(f"Redis refused the connection: {answer}")
