"""Old pages are limited by their work, which grows with how many accounts the viewer follows."""

import pytest
from redis.asyncio import Redis

from feed_svc.reading.old_pages import BURST, STORED_PRICE, OldPages
from meshkit.errors import ResourceExhaustedError
from meshkit.redis.mux import RedisMux
from tests.feed_svc.world import Feed, Sizes, World, open_feed

AUTHORS = 20


class _Clock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.seconds = 1_000.0

    def __call__(self) -> float:
        return self.seconds


def _world() -> World:
    world = World(follows={(viewer, author) for viewer in (1, 2) for author in range(10, 10 + AUTHORS)})
    for place in range(1, AUTHORS * 20 + 1):
        world.post(10 + place % AUTHORS, place)
    return world


async def _old_cursor(feed: Feed, viewer: int) -> str:
    """Return the cursor of a page below the viewer's timeline."""
    cursor = (await feed.get_feed(viewer, "", 10)).next_cursor
    assert cursor is not None
    return cursor


async def _until_refused(feed: Feed, viewer: int, cursor: str) -> tuple[int, ResourceExhaustedError]:
    for read in range(100):
        try:
            await feed.get_feed(viewer, cursor, 10)
        except ResourceExhaustedError as error:
            return read, error
    pytest.fail("no page was refused")


async def test_old_pages_without_a_pause(redis: "Redis", mux: RedisMux) -> None:
    """They are refused with the time to wait. First pages and other viewers are not, and after the wait the walk continues."""
    clock = _Clock()
    old_pages = OldPages(per_second=AUTHORS, burst=5 * AUTHORS, clock=clock)
    feed = open_feed(_world(), redis, mux, sizes=Sizes(length=10, slack=0), old_pages=old_pages)
    cursor, other = [await _old_cursor(feed, viewer) for viewer in (1, 2)]
    wanted = await feed.get_feed(1, cursor, 10)
    read, refusal = await _until_refused(feed, 1, cursor)
    assert 3 <= read <= 6
    assert refusal.reason == "RATE_LIMITED"
    assert refusal.retry_after is not None
    assert 0 < refusal.retry_after <= STORED_PRICE
    await feed.get_feed(1, "", 5)
    assert (await feed.get_feed(2, other, 10)).items
    clock.seconds += refusal.retry_after + 0.001
    assert await feed.get_feed(1, cursor, 10) == wanted


def test_reads_at_once_do_not_pass_together() -> None:
    """A read counts when it begins, so that many at the same moment are limited like many in a row."""
    old_pages = OldPages(per_second=1, burst=10, clock=_Clock())
    for _ in range(3):
        old_pages.begin(1, 5)
    with pytest.raises(ResourceExhaustedError):
        old_pages.begin(1, 5)
    old_pages.begin(2, 5)


def test_the_most_recent_readers_are_remembered() -> None:
    """Memory is bounded: the viewers who read least recently are forgotten first."""
    old_pages = OldPages(per_second=1, burst=1, most_viewers=2, clock=_Clock())
    for viewer in (1, 2, 1, 3):
        old_pages.add(viewer, 5)
    for viewer in (1, 3):
        with pytest.raises(ResourceExhaustedError):
            old_pages.begin(viewer, 1)
    old_pages.begin(2, 1)


def test_whoever_follows_the_most_can_read_old_pages() -> None:
    """The usual limit lets them read twenty pages at once, then one every few seconds."""
    clock = _Clock()
    old_pages = OldPages(clock=clock)
    for _ in range(BURST // 7_500):
        old_pages.begin(1, 7_500)
    clock.seconds += 4
    old_pages.begin(1, 7_500)
