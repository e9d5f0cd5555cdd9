"""Prepared statements: each is prepared once a process, however many tasks need it, and whichever node hangs."""

import asyncio
from typing import Any

from meshkit.cassandra.failures import FAILURES
from meshkit.cassandra.statements import Statement
from meshkit.errors import UnavailableError

# A statement that takes longer to prepare is prepared on another node, too. One that hangs would take the driver's own 10 s.
TRIES, TRY_SECONDS = 3, 1.0


class Preparing:
    """The prepared statements of a session."""

    def __init__(self, session: Any) -> None:
        self._session = session
        self._tasks: dict[Statement, asyncio.Task[Any]] = {}

    async def prepared(self, statement: Statement) -> Any:
        """Return the prepared statement; all tasks that need a new one share one preparation. Raises UnavailableError."""
        task = self._tasks.get(statement)
        if task is None or (task.done() and (task.cancelled() or task.exception() is not None)):
            task = asyncio.create_task(self._prepare(statement.cql))
            self._tasks[statement] = task
        try:
            return await asyncio.shield(task)
        except FAILURES as error:
            raise UnavailableError from error

    async def _prepare(self, cql: str) -> Any:
        """Prepare on one node; where that takes long or fails, on the next one too."""
        asked: set[asyncio.Task[Any]] = set()
        for tries_left in reversed(range(TRIES)):
            task = asyncio.create_task(asyncio.to_thread(self._session.prepare, cql))
            task.add_done_callback(lambda task: task.cancelled() or task.exception())  # not every one is waited for
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
