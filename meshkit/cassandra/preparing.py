"""Prepares each statement once per process, even while a node hangs."""

import asyncio
from typing import Any

from meshkit.cassandra.failures import FAILURES
from meshkit.cassandra.statements import Statement
from meshkit.errors import UnavailableError

# After this long a statement is also prepared on another node. With a hung node it would take the driver's 10 s.
TRIES, TRY_SECONDS = 3, 1.0


class Preparing:
    """The prepared statements of a session."""

    def __init__(self, session: Any) -> None:
        self._session = session
        self._tasks: dict[Statement, asyncio.Task[Any]] = {}

    async def prepared(self, statement: Statement) -> Any:
        """Return the prepared statement. Tasks share its preparation. Raises UnavailableError."""
        task = self._tasks.get(statement)
        if task is None or (task.done() and (task.cancelled() or task.exception() is not None)):
            task = asyncio.create_task(self._prepare(statement.cql))
            self._tasks[statement] = task
        try:
            return await asyncio.shield(task)
        except FAILURES as error:
            raise UnavailableError from error

    async def _prepare(self, cql: str) -> Any:
        """Prepare on one node, and if that fails or takes long, also on the next one."""
        asked: set[asyncio.Task[Any]] = set()
        for tries_left in reversed(range(TRIES)):
            task = asyncio.create_task(asyncio.to_thread(self._session.prepare, cql))
            task.add_done_callback(
                lambda task: task.cancelled() or task.exception()
            )  # mark as retrieved: not all are awaited
            asked.add(task)
            patience = TRY_SECONDS if tries_left else None
            done, asked = await asyncio.wait(asked, timeout=patience, return_when=asyncio.FIRST_COMPLETED)
            for each in done:
                error = each.exception()
                if error is None:
                    return each.result()
                if not isinstance(error, FAILURES) or not tries_left:
                    raise error
        raise UnavailableError
