"""Time limits that share one timer, for code in which every call has a limit.

`asyncio.timeout` sets and cancels a timer each time, which costs as much as all other layers of a call together. Since limits are
rarely reached, one timer here watches the nearest one and usually finds nothing to do.
"""

import asyncio
import math
import time
from types import TracebackType
from typing import Any


class TimeLimits:
    """The time limits of one event loop."""

    def __init__(self) -> None:
        self._due: dict[_Limit, float] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._wakes = math.inf

    def within(self, seconds: float) -> "_Limit":
        """Limit a `with` block of the current task, which raises TimeoutError like asyncio.timeout."""
        return _Limit(self, time.monotonic() + seconds)

    def begin(self, limit: "_Limit", due: float) -> None:
        """Start watching a block; `due` is in time.monotonic() seconds."""
        self._due[limit] = due
        if due < self._wakes:
            self._wake_at(due)

    def end(self, limit: "_Limit") -> None:
        """Stop watching a block."""
        self._due.pop(limit, None)

    def _wake_at(self, due: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._wakes = due
        self._timer = asyncio.get_running_loop().call_later(max(0.0, due - time.monotonic()), self._look)

    def _look(self) -> None:
        """Cancel the blocks that are due and set the timer for the next. Usually none is due any more."""
        self._timer, self._wakes = None, math.inf
        now = time.monotonic()
        for limit in [limit for limit, due in self._due.items() if due <= now]:
            del self._due[limit]
            limit.reach()
        if self._due:
            self._wake_at(min(self._due.values()))


class _Limit:
    """The limit of one block."""

    __slots__ = ("_cancelled_before", "_due", "_is_reached", "_limits", "_task")

    def __init__(self, limits: TimeLimits, due: float) -> None:
        self._limits = limits
        self._due = due
        self._is_reached = False
        self._task: asyncio.Task[Any]
        self._cancelled_before = 0

    def reach(self) -> None:
        """Cancel the block."""
        self._is_reached = True
        self._task.cancel()

    def __enter__(self) -> None:
        task = asyncio.current_task()
        if task is None:
            raise RuntimeError("a time limit needs a running task")
        self._task = task
        self._cancelled_before = task.cancelling()
        self._limits.begin(self, self._due)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self._limits.end(self)
        # A cancellation by somebody else stays a CancelledError.
        if self._is_reached and self._task.uncancel() <= self._cancelled_before and kind is asyncio.CancelledError:
            raise TimeoutError from error
