"""Where pages and cards come from, as metrics."""

import pytest
from redis.asyncio import Redis

from feed_svc import page_sources
from feed_svc.fan_out import lag
from meshkit.ids import new_id
from meshkit.redis.mux import RedisMux
from meshkit.telemetry.catalog import FEED_CARDS, FEED_PAGES, FRESHNESS
from meshkit.telemetry.instruments import CounterMetric
from tests.feed_svc.world import World, open_feed
from tests.recorded import Recorded

READER, FRIEND, STAR = 1, 2, 3


@pytest.fixture
def recorded(monkeypatch: pytest.MonkeyPatch) -> Recorded:
    """Read the metrics of feeds."""
    seen = Recorded(monkeypatch).replace(lag, _freshness=FRESHNESS)
    pages = FEED_PAGES.tallies(*page_sources.PAGE_SOURCES, meter=seen.meter)
    cards = FEED_CARDS.tallies(*page_sources.CARD_SOURCES, meter=seen.meter)
    for source, tally in zip((*page_sources.PAGE_SOURCES, *page_sources.CARD_SOURCES), (*pages, *cards), strict=True):
        monkeypatch.setattr(page_sources, source.upper(), tally)
    return seen


def _counted(recorded: Recorded, metric: CounterMetric) -> dict[str, float]:
    """Return the sources that were counted."""
    return {source: count for (source,), count in recorded.values(metric).items() if count}


async def test_pages_and_cards_count_by_their_source(redis: "Redis", mux: RedisMux, recorded: Recorded) -> None:
    """A page without celebrities comes from the timeline, and a card is made once, then read from Redis, then from memory."""
    world = World()
    world.follows.add((READER, FRIEND))
    world.post(FRIEND, new_id())
    feed = open_feed(world, redis, mux, card_memory=1_000_000)
    for _ in range(3):
        await feed.follow_changes()
        await feed.get_feed(READER, "", 10)
    assert _counted(recorded, FEED_PAGES) == {"timeline": 3}
    assert _counted(recorded, FEED_CARDS) == {"made": 1, "redis": 1, "memory": 1}


async def test_posts_of_celebrities_are_fresh_at_once(redis: "Redis", mux: RedisMux, recorded: Recorded) -> None:
    """A pulled post is fresh when its author's timeline has it, and readers merge it into their pages."""
    world = World()
    for follower in (READER, 8, 9):
        world.follows.add((follower, STAR))
    world.follows.add((READER, FRIEND))
    feed = open_feed(world, redis, mux, celebrity_followers=3, grace_ms=0)
    for author in (FRIEND, STAR):
        place = new_id()
        world.post(author, place)
        await feed.fan_out(author, place)
    assert recorded.values(FRESHNESS) == {("pulled",): 1}
    await feed.get_feed(READER, "", 10)
    assert _counted(recorded, FEED_PAGES) == {"merged": 1}
