"""A bridge to Cassandra where one step can fail or wait, as if its process died or lagged."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, cast

from meshkit.cassandra import Cassandra, Statement, Step, UnknownOutcomeError

# The first words of a step. A batch is one step.
BEGIN = "BEGIN BATCH INSERT INTO follows"
END = "BEGIN BATCH UPDATE follows SET change = ?, is_ended"
MARK = "BEGIN BATCH UPDATE follows SET change = ?, muted_ms"
REQUEST = "BEGIN BATCH INSERT INTO follows (follower_id, followee_id, created_ms, requested_ms"
TURN = "BEGIN BATCH UPDATE follows SET state = 'requested'"
ACCEPT = "BEGIN BATCH UPDATE follows SET state = 'kept'"
CANCEL = "BEGIN BATCH UPDATE follows SET is_ended = true"
BATCH = "batch"
DELETE = "DELETE FROM follows"
COUNT = "UPDATE follow_counts"
LOOK = "SELECT bucket"

Send = Callable[[], Awaitable[Any]]
# Runs in place of a step and receives a function that sends it.
Mishap = Callable[[Send], Awaitable[Any]]


class DiedError(Exception):
    """The process has died."""


async def die(_send: Send) -> Any:
    """Die before the step."""
    raise DiedError


async def lose_request(_send: Send) -> Any:
    """Lose the request."""
    raise UnknownOutcomeError


async def lose_answer(send: Send) -> Any:
    """Send the step and lose its answer."""
    await send()
    raise UnknownOutcomeError


class Gate:
    """Blocks a step until it is opened."""

    def __init__(self) -> None:
        self.reached = asyncio.Event()
        self.open = asyncio.Event()

    async def __call__(self, send: Send) -> Any:
        """Wait, then send."""
        self.reached.set()
        await self.open.wait()
        return await send()


class BreakingCassandra:
    """A real bridge where the first step that starts with `at` has a mishap."""

    def __init__(self, cassandra: Cassandra, at: str, mishap: Mishap) -> None:
        self._cassandra = cassandra
        self._at = at
        self._mishap: Mishap | None = mishap

    @property
    def has_happened(self) -> bool:
        """Return whether the step was reached."""
        return self._mishap is None

    async def execute(self, statement: Statement, *parameters: Any) -> Any:
        """Run a statement, or the mishap."""
        return await self._step(statement.cql, lambda: self._cassandra.execute(statement, *parameters))

    async def execute_batch(self, *steps: Step) -> None:
        """Run a batch, or the mishap."""
        await self._step(BATCH, lambda: self._cassandra.execute_batch(*steps))

    def now_ms(self) -> int:
        """Return the cluster's time."""
        return self._cassandra.now_ms()

    async def _step(self, name: str, send: Send) -> Any:
        if self._mishap is None or not name.startswith(self._at):
            return await send()
        mishap, self._mishap = self._mishap, None
        return await mishap(send)


def as_cassandra(breaking: BreakingCassandra) -> Cassandra:
    """Return this object as a bridge. Stores use nothing else of one."""
    return cast("Cassandra", breaking)
