"""Places for small pictures, and the whole room for a large one that lets small ones pass."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Generic, TypeVar

T = TypeVar("T")
# A large picture gives way for this long in all. Then it takes the room to its end, which lasts seconds.
PATIENCE_SECONDS = 30.0
# It begins when no place was taken for this long: each interruption wastes its work.
CALM_SECONDS = 0.3


class Places(Generic[T]):
    """Places, each for one small picture. `whole` runs work alone, and again if a small picture interrupts it."""

    def __init__(
        self, count: int, patience_seconds: float = PATIENCE_SECONDS, calm_seconds: float = CALM_SECONDS
    ) -> None:
        self._count = self._free = count
        self._patience_seconds = patience_seconds
        self._calm_seconds = calm_seconds
        self._wanting = 0
        self._is_closed = False
        self._changed_at = 0.0
        self._change = asyncio.Event()
        self._only_one = asyncio.Lock()

    @contextlib.asynccontextmanager
    async def one(self) -> AsyncIterator[None]:
        """Hold one place."""
        self._wanting += 1
        self._notify()
        try:
            await self._until(lambda: self._free > 0 and not self._is_closed)
            self._free -= 1
        finally:
            self._wanting -= 1
            self._notify()
        try:
            yield
        finally:
            self._free += 1
            self._notify()

    async def whole(self, run: Callable[[], Awaitable[T]]) -> T:
        """Run work while no place is held, and return its result. It may be cancelled and run again several times."""
        async with self._only_one:
            deadline = _now() + self._patience_seconds
            while await self._is_calm(deadline):
                with self._closed():
                    done = await self._run_unless_wanted(run, deadline)
                if done is not None:
                    return done.result()
            with self._closed():
                await self._until(lambda: self._free == self._count)
                return await run()

    async def _is_calm(self, deadline: float) -> bool:
        """Wait until nobody has or wants a place for a while. Returns False if the deadline comes first."""
        while (now := _now()) < deadline:
            calm_at = self._changed_at + self._calm_seconds
            if self._is_idle() and now >= calm_at:
                return True
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout_at(min(deadline, calm_at) if self._is_idle() else deadline):
                    await self._change.wait()
        return False

    async def _run_unless_wanted(self, run: Callable[[], Awaitable[T]], deadline: float) -> asyncio.Future[T] | None:
        """Return the finished work, or None if somebody wanted a place before the deadline."""
        work = asyncio.ensure_future(run())
        wanted = asyncio.ensure_future(self._until(lambda: self._wanting > 0))
        try:
            await asyncio.wait({work, wanted}, timeout=deadline - _now(), return_when=asyncio.FIRST_COMPLETED)
            if not wanted.done():
                await asyncio.wait({work})
            return work if work.done() else None
        finally:
            for each in (work, wanted):
                each.cancel()
            await asyncio.gather(work, wanted, return_exceptions=True)

    def _is_idle(self) -> bool:
        return self._free == self._count and not self._wanting

    @contextlib.contextmanager
    def _closed(self) -> Iterator[None]:
        self._is_closed = True
        try:
            yield
        finally:
            self._is_closed = False
            self._notify()

    def _notify(self) -> None:
        self._changed_at = _now()
        self._change.set()
        self._change = asyncio.Event()

    async def _until(self, holds: Callable[[], bool]) -> None:
        while not holds():
            await self._change.wait()


def _now() -> float:
    return asyncio.get_running_loop().time()
