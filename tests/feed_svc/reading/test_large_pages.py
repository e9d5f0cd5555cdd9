"""A page ends before it is so large that translating it takes the edge long."""

from collections.abc import Mapping, Sequence

from redis.asyncio import Redis

from feed_svc.model import ENTRY_SIZE, Entry
from meshkit.paging import PAGE_BYTES
from meshkit.redis.mux import RedisMux
from tests.feed_svc.world import World, open_feed


class _LargeWorld(World):
    """A world whose cards have a size that depends on the place."""

    async def make(self, entries: Sequence[Entry]) -> Mapping[Entry, bytes]:
        """Return large cards."""
        return {entry: entry + bytes(entry[7] * 2_000) for entry in await super().make(entries)}


async def test_a_large_page_ends_early(redis: "Redis", mux: RedisMux) -> None:
    """The walk returns each post once, in pages of at most 256 KiB or of one post."""
    feed = open_feed(_LargeWorld(follows={(1, 2)}), redis, mux)
    for place in range(1, 201):
        feed.world.post(2, place)
    shown, sizes, cursor = [], [], ""
    while True:
        page = await feed.get_feed(1, cursor, 100)
        shown += [item[:ENTRY_SIZE] for item in page.items]
        sizes.append([len(item) for item in page.items])
        if page.next_cursor is None:
            break
        cursor = page.next_cursor
    assert shown == feed.world.oracle(1)
    assert all(sum(each) <= PAGE_BYTES or len(each) == 1 for each in sizes)
    assert [len(each) for each in sizes[:2]] == [1, 1]
    assert max(len(each) for each in sizes) == 10
