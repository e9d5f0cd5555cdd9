"""A bridge to Cassandra on which a step can fail, or wait, as a process that dies or lags would make it."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, cast

from meshkit.cassandra import Cassandra, Statement, Step, UnknownOutcomeError

# What a step begins with; a batch is one step.
BEGIN = "BEGIN BATCH INSERT INTO follows"
END = "BEGIN BATCH UPDATE follows SET change = ?, is_ended"
BATCH = "batch"
DELETE = "DELETE FROM follows"
COUNT = "UPDATE follow_counts"
LOOK = "SELECT bucket"

Send = Callable[[], Awaitable[Any]]
# Does something in place of a step; it is given what sends it.
Mishap = Callable[[Send], Awaitable[Any]]


class DiedError(Exception):
    """The process is gone."""


async def die(_send: Send) -> Any:
    """Die before a step."""
    raise DiedError


async def lose_request(_send: Send) -> Any:
    """Lose a request."""
    raise UnknownOutcomeError


async def lose_answer(send: Send) -> Any:
    """Send a step and lose its answer."""
    await send()
    raise UnknownOutcomeError


class Gate:
    """Holds a step back until it is opened."""

    def __init__(self) -> None:
        self.reached = asyncio.Event()
        self.open = asyncio.Event()

    async def __call__(self, send: Send) -> Any:
        """Wait, then send."""
        self.reached.set()
        await self.open.wait()
        return await send()


class BreakingCassandra:
    """A real bridge; the first step that begins with `at` meets a mishap."""

    def __init__(self, cassandra: Cassandra, at: str, mishap: Mishap) -> None:
        self._cassandra = cassandra
        self._at = at
        self._mishap: Mishap | None = mishap

    @property
    def has_happened(self) -> bool:
        """Whether the step was reached."""
        return self._mishap is None

    async def execute(self, statement: Statement, *parameters: Any) -> Any:
        """Run a statement, unless it is the one."""
        return await self._step(statement.cql, lambda: self._cassandra.execute(statement, *parameters))

    async def execute_batch(self, *steps: Step) -> None:
        """Run a batch, unless it is the one."""
        await self._step(BATCH, lambda: self._cassandra.execute_batch(*steps))

    async def _step(self, name: str, send: Send) -> Any:
        if self._mishap is None or not name.startswith(self._at):
            return await send()
        mishap, self._mishap = self._mishap, None
        return await mishap(send)


def as_cassandra(breaking: BreakingCassandra) -> Cassandra:
    """Pass for a bridge: a store uses no more of one."""
    return cast("Cassandra", breaking)
