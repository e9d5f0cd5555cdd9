"""A read of a timeline is one step on the server: nothing comes between its parts."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

from redis.asyncio import Redis

from feed_svc.model import LOWEST, LogPosition, Window, entry_of
from feed_svc.store.author_timelines import RedisAuthorTimelines
from feed_svc.store.timelines import RedisTimelines
from meshkit.redis.link import Command
from meshkit.redis.mux import RedisMux

VIEWER, AUTHOR = 7, 9
POSITION = LogPosition(b"some log", 5)
ENTRIES = [entry_of(place, AUTHOR) for place in range(30, 0, -1)]


@dataclass
class InterruptedMux:
    """A connection whose server runs something else between any two commands of a round trip.

    Redis reads a client's socket in parts of 16 KiB, and serves other clients between two of them.
    """

    mux: RedisMux
    between: Callable[[], Awaitable[None]]

    @property
    def is_cluster(self) -> bool:
        """Delegate."""
        return self.mux.is_cluster

    async def execute(self, *command: str | bytes | int) -> Any:
        """Run one command."""
        return await self.mux.execute(*command)

    async def execute_many(self, commands: Sequence[Command]) -> list[Any]:
        """Run commands one by one."""
        answers: list[Any] = []
        for command in commands:
            if answers:
                await self.between()
            answers.append(await self.mux.execute(*command))
        return answers

    async def get_many(self, keys: Sequence[bytes]) -> list[bytes | None]:
        """Delegate."""
        return await self.mux.get_many(keys)

    async def close(self) -> None:
        """Leave it open: the fixture closes it."""


async def test_a_build_that_ends_during_a_read_is_seen_as_a_whole(redis: "Redis", mux: RedisMux) -> None:
    """A live timeline never appears without its entries."""
    builder = RedisTimelines(mux, ttl_seconds=1_000)
    token = await builder.begin_build(VIEWER, POSITION, 0)
    assert token

    async def finish() -> None:
        await builder.finish_build(VIEWER, token, Window(ENTRIES, LOWEST), [])

    reader = RedisTimelines(InterruptedMux(mux, finish), ttl_seconds=1_000)
    for home in (await reader.read(VIEWER, None, 21), await reader.whole(VIEWER)):
        assert home is None or list(home.entries) == ENTRIES[: len(home.entries)] != []
    await finish()
    home = await reader.read(VIEWER, None, 21)
    assert home is not None
    assert list(home.entries) == ENTRIES[:21]


async def test_an_author_timeline_is_read_as_a_whole(redis: "Redis", mux: RedisMux) -> None:
    """A build of an author timeline that ends during a read is seen completely or not at all."""
    assert await redis.ping()
    builder = RedisAuthorTimelines(mux)
    tokens = await builder.begin_builds([AUTHOR])

    async def finish() -> None:
        await builder.finish_builds(tokens, {AUTHOR: Window(ENTRIES, LOWEST)})

    window = (await RedisAuthorTimelines(InterruptedMux(mux, finish)).read({AUTHOR: None}, 21))[AUTHOR]
    assert window is None or list(window.entries) == ENTRIES[:21]
