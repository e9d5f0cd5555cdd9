"""Creates many full home timelines without reading each feed."""

from collections.abc import Sequence

from redis.asyncio import Redis

from meshkit.ids import PublicId

ENTRY_SIZE = 16
PULLED_SIZE = 17


def key_of(viewer: int) -> str:
    """Return the key of a viewer's home timeline."""
    return f"tl:{{{viewer}}}"


def entry_of(place: int, author: int) -> bytes:
    """Return the timeline entry of a post."""
    return PublicId(place, author).pack()


async def add_entry(redis: "Redis", viewers: Sequence[int], entry: bytes) -> None:
    """Add an entry to timelines, as a push does."""
    async with redis.pipeline(transaction=False) as pipeline:
        for viewer in viewers:
            pipeline.zadd(key_of(viewer), {entry: 0})
        await pipeline.execute()


async def bytes_an_entry(redis: "Redis", viewer: int) -> float:
    """Return the memory of a timeline, including its key, per entry."""
    members = await redis.zrange(key_of(viewer), 0, -1)
    entries = sum(len(member) == ENTRY_SIZE for member in members)
    return (await redis.memory_usage(key_of(viewer), samples=0) or 0) / entries


async def pulled_by(redis: "Redis", viewer: int) -> int:
    """Return how many authors a viewer pulls."""
    members = await redis.zrange(key_of(viewer), 0, -1)
    return sum(len(member) == PULLED_SIZE for member in members)


async def copy_to(redis: "Redis", model: int, viewers: Sequence[int]) -> None:
    """Copy a viewer's timeline to other viewers."""
    for start in range(0, len(viewers), 1_000):
        async with redis.pipeline(transaction=False) as pipeline:
            for viewer in viewers[start : start + 1_000]:
                pipeline.copy(key_of(model), key_of(viewer), replace=True)
            await pipeline.execute()
