"""Authors are promoted and demoted while they post and while feeds are read."""

import asyncio
import random
from dataclasses import dataclass, field

import pytest
from redis.asyncio import Redis

from feed_svc.model import Entry, entry_of
from meshkit.ids import new_id
from meshkit.redis.mux import RedisMux
from tests.feed_svc.world import Feed, Sizes, World, open_feed

pytestmark = pytest.mark.slow

READERS, AUTHORS, FANS = range(1, 5), range(10, 14), range(100, 104)
GRACE_MS = 300
# With all fans an author is a celebrity. The readers alone are too few.
CELEBRITY_FOLLOWERS = len(READERS) + len(FANS)
ROUNDS = 3


@dataclass
class Stage:
    """A world that changes, and the posts that have certainly arrived in feeds."""

    feed: Feed
    servers: list[Feed]
    chance: random.Random
    arrived: set[Entry] = field(default_factory=set)
    kept_back: int = 0
    walks: int = 0
    is_over: bool = False

    async def write(self) -> None:
        """Post and delete as fast as possible."""
        world = self.feed.world
        while not self.is_over:
            author, place = self.chance.choice(AUTHORS), new_id()
            world.post(author, place)
            before = await self.feed.timelines.read(READERS[0], None, 1)
            await self.feed.fan_out(author, place)
            after = await self.feed.timelines.read(READERS[0], None, 1)
            self.kept_back += before is not None and after is not None and before.entries == after.entries
            self.arrived.add(entry_of(place, author))
            if self.chance.random() < 0.1:
                await self.delete(self.chance.choice(sorted(self.arrived)))
            await asyncio.sleep(0.002)

    async def delete(self, entry: Entry) -> None:
        """Delete a post."""
        place, author = int.from_bytes(entry[:8]), int.from_bytes(entry[8:])
        self.arrived.remove(entry)
        self.feed.world.delete(author, place)
        await self.feed.remove_post(author, place)

    async def read(self, server: Feed) -> None:
        """Walk feeds: posts that had arrived and were not deleted appear once."""
        while not self.is_over:
            viewer = self.chance.choice(READERS)
            before = set(self.arrived)
            shown = await server.walk(viewer, self.chance.choice([3, 10, 100]))
            assert shown == sorted(set(shown), reverse=True)
            assert (before & self.arrived) - set(shown) == set()
            self.walks += 1

    async def cross(self) -> None:
        """Promote and demote authors, who post for longer than the grace period in between."""
        for _ in range(ROUNDS):
            for is_up in (True, False):
                for author in AUTHORS[:3]:
                    for fan in FANS:
                        (self.feed.world.follows.add if is_up else self.feed.world.follows.discard)((fan, author))
                await asyncio.sleep(2 * GRACE_MS / 1_000 if is_up else GRACE_MS / 1_000)
        self.is_over = True


async def test_crossings_lose_nothing_and_show_nothing_twice(redis: "Redis", mux: RedisMux) -> None:
    """Each walk returns every post that had arrived when it began; at the end, two serving processes agree with the oracle."""
    seed = random.randrange(2**32)
    print("seed", seed)  # noqa: T201 - to repeat a failure
    world, sizes = World(), Sizes(length=40, author_length=30, slack=5, window=10, build_count=5)
    world.follows |= {(reader, author) for reader in READERS for author in AUTHORS}

    def open_server() -> Feed:
        return open_feed(
            world,
            redis,
            mux,
            sizes=sizes,
            celebrity_followers=CELEBRITY_FOLLOWERS,
            grace_ms=GRACE_MS,
            fresh_seconds=0,
        )

    stage = Stage(open_server(), [open_server(), open_server()], random.Random(seed))
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(stage.write())
        tasks.create_task(stage.cross())
        for server in stage.servers:
            tasks.create_task(stage.read(server))
    update = await stage.feed.celebrities.changes_since(b"", 0)
    crossings = [(change.author_id, change.is_pulled) for change in update.changes]
    for author in AUTHORS[:3]:
        assert crossings.count((author, True)) >= 2
        assert crossings.count((author, False)) >= 2
    assert stage.kept_back > 0, "some posts were not pushed"
    assert stage.walks > 10
    for server in stage.servers:
        for viewer in READERS:
            assert await server.walk(viewer, 7) == world.oracle(viewer)
