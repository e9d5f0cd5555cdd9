"""Queues the changes of one follower: lightweight transactions on one partition contend."""

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator
from weakref import WeakValueDictionary

from meshkit.call import current_call
from meshkit.errors import UnavailableError

# Apps follow dozens of accounts at once. More than this waiting means that the store is slow.
MAX_WAITING = 128
# The longest wait, and what a change needs of its call's time once its turn has come.
MAX_WAIT_SECONDS, CHANGE_SECONDS = 15.0, 4.0


class Turns:
    """One change of a follower runs at a time. A caller leaves the queue when it is cancelled, or refused in time."""

    def __init__(self) -> None:
        self._locks: WeakValueDictionary[int, asyncio.Lock] = WeakValueDictionary()
        self._waiting: Counter[int] = Counter()

    async def take(self, follower_id: int) -> asyncio.Lock:
        """Wait for the turn and return its lock, which the caller releases.

        Raises UnavailableError, and nothing was begun, if too many changes wait or the wait takes too long.
        """
        lock = self._locks.setdefault(follower_id, asyncio.Lock())
        if not lock.locked():
            await lock.acquire()
            return lock
        if self._waiting[follower_id] >= MAX_WAITING:
            raise UnavailableError
        async with self._counted(follower_id):
            try:
                async with asyncio.timeout(_patience()):
                    await lock.acquire()
            except TimeoutError:
                raise UnavailableError from None
        return lock

    @contextlib.asynccontextmanager
    async def _counted(self, follower_id: int) -> AsyncIterator[None]:
        self._waiting[follower_id] += 1
        try:
            yield
        finally:
            self._waiting[follower_id] -= 1
            if not self._waiting[follower_id]:
                del self._waiting[follower_id]


def _patience() -> float:
    remaining = current_call().remaining()
    return MAX_WAIT_SECONDS if remaining is None else max(0.0, min(MAX_WAIT_SECONDS, remaining - CHANGE_SECONDS))
