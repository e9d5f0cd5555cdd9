"""Creates many full home timelines without reading each feed."""

from collections.abc import Sequence

from redis.asyncio import Redis

from meshkit.ids import PublicId

# What is before the pulled authors in a timeline's marker, and one of these.
MARKER_SIZE = 40
PULLED_SIZE = 8


def key_of(viewer: int) -> str:
    """Return the key of a viewer's home timeline."""
    return f"home:{{{viewer}}}"


def entry_of(place: int, author: int) -> bytes:
    """Return the timeline entry of a post."""
    return PublicId(place, author).pack()


async def add_entry(redis: "Redis", viewers: Sequence[int], entry: bytes) -> None:
    """Add the newest entry to timelines, as a push does."""
    async with redis.pipeline(transaction=False) as pipeline:
        for viewer in viewers:
            pipeline.lpush(key_of(viewer), entry)
        await pipeline.execute()


async def bytes_an_entry(redis: "Redis", viewer: int) -> float:
    """Return the memory of a timeline, including its key, per entry."""
    entries = await redis.llen(key_of(viewer)) - 1
    return (await redis.memory_usage(key_of(viewer), samples=0) or 0) / entries


async def pulled_by(redis: "Redis", viewer: int) -> int:
    """Return how many authors a viewer pulls."""
    marker = await redis.lindex(key_of(viewer), -1) or b""
    return (len(marker) - MARKER_SIZE) // PULLED_SIZE


async def copy_to(redis: "Redis", model: int, viewers: Sequence[int]) -> None:
    """Copy a viewer's timeline to other viewers."""
    for start in range(0, len(viewers), 1_000):
        async with redis.pipeline(transaction=False) as pipeline:
            for viewer in viewers[start : start + 1_000]:
                pipeline.copy(key_of(model), key_of(viewer), replace=True)
            await pipeline.execute()
