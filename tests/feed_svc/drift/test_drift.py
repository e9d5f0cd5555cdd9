"""The drift sampler finds and repairs errors, and reports no false ones."""

import asyncio
import time

import pytest
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from redis.asyncio import Redis
from structlog.testing import capture_logs

from feed_svc.celebrities.modes import CelebrityModes
from feed_svc.drift import sampler as sample_drift
from feed_svc.drift.divergence_ratio import show_divergence
from feed_svc.drift.sampler import Drift, SampleDrift
from feed_svc.model import entry_of
from feed_svc.store.timeline_walk import TimelineWalk
from meshkit.errors import UnavailableError
from meshkit.grpc.status import is_outage
from meshkit.ids import new_id
from meshkit.redis.mux import RedisMux
from meshkit.telemetry.catalog import DIVERGENCE
from tests.feed_svc.world import Feed, Sizes, World, open_feed


def sampler(feed: Feed, interval: float = 0.0) -> SampleDrift:
    """Create the sampler of a feed's timelines."""
    modes = CelebrityModes(feed.celebrities, 0)
    return SampleDrift(
        feed.timelines,
        TimelineWalk(feed.redis),
        modes,
        feed.world,
        feed.world,
        is_outage,
        interval=interval,
        recheck_seconds=0,
    )


@pytest.fixture
async def read_feed(redis: "Redis", mux: RedisMux) -> Feed:
    """Give a feed that 1 has read, with posts of 2, a prolific author, of 3, and of 4, a celebrity."""
    world = World()
    feed = open_feed(world, redis, mux, sizes=Sizes(length=20, slack=0), celebrity_followers=3, grace_ms=0)
    world.follows |= {(1, 2), (1, 3), (1, 4), (8, 4), (9, 4)}
    for place in range(1, 40):
        world.post(2, place)
    for author, place in ((3, 50), (4, 60), (3, 70)):
        world.post(author, place)
        await feed.fan_out(author, place)
    await feed.walk(1, 10)
    return feed


async def test_correct_timelines_show_no_drift(read_feed: Feed) -> None:
    """Entries above the floor are compared. Celebrities' posts and older entries are not."""
    drift = sampler(read_feed)
    assert await drift(1) == Drift(20)
    assert drift.divergence_ratio == 0


async def test_a_missing_entry_is_found_and_repaired(read_feed: Feed) -> None:
    """The next read rebuilds the timeline, which is then exact."""
    await read_feed.timelines.remove([1], entry_of(70, 3))
    drift = sampler(read_feed)
    assert (await drift(1)).missing == {entry_of(70, 3)}
    assert drift.divergence_ratio == pytest.approx(1 / 20)
    assert await read_feed.walk(1, 10) == read_feed.world.oracle(1)
    assert (await drift(1)).diverging == 0


async def test_ghosts_are_found_and_removed(read_feed: Feed) -> None:
    """A deleted post and a post of somebody who is not followed are both found."""
    ghosts = {entry_of(69, 3), entry_of(71, 7)}
    for ghost in ghosts:
        await read_feed.timelines.push([1], ghost)
    drift = sampler(read_feed)
    assert (await drift(1)).ghosts == ghosts
    assert (await drift(1)).compared == 0  # it was dropped
    assert await read_feed.walk(1, 10) == read_feed.world.oracle(1)


async def test_a_recent_post_is_no_drift(read_feed: Feed) -> None:
    """A new post whose fan-out has not arrived yet is not counted."""
    read_feed.world.post(3, new_id())
    assert (await sampler(read_feed)(1)).diverging == 0


async def test_a_change_of_mode_that_is_not_applied_is_no_drift(read_feed: Feed) -> None:
    """The next read applies the change; until then the timeline is as it should be."""
    read_feed.world.follows |= {(8, 3), (9, 3)}
    read_feed.world.post(3, 80)
    await read_feed.fan_out(3, 80)
    assert (await sampler(read_feed)(1)).diverging == 0
    assert await read_feed.walk(1, 10) == read_feed.world.oracle(1)


async def test_sampling_does_not_renew_the_time_to_live(read_feed: Feed) -> None:
    """Only reads by the viewer renew it."""
    await read_feed.redis.expire("timeline:{1}", 50)
    await sampler(read_feed)(1)
    assert await read_feed.redis.ttl("timeline:{1}") <= 50


async def test_a_failing_comparison_does_not_stop_the_sampler(read_feed: Feed, monkeypatch: pytest.MonkeyPatch) -> None:
    """After an invalid timeline or another part's outage, the sampler continues with the next timeline."""
    monkeypatch.setattr(sample_drift, "PAUSE_SECONDS", 0.0)
    await read_feed.redis.set("timeline:{7}", "no timeline")
    await read_feed.timelines.remove([1], entry_of(70, 3))
    troubles = [UnavailableError(), ValueError("a mistake")]
    read = read_feed.world.followees

    async def followees(viewer: int) -> list[int]:
        if troubles:
            raise troubles.pop()
        return await read(viewer)

    monkeypatch.setattr(read_feed.world, "followees", followees)
    stopping = asyncio.Event()
    with capture_logs() as logs:
        running = asyncio.create_task(sampler(read_feed).run(stopping))
        async with asyncio.timeout(30):
            while await read_feed.redis.exists("timeline:{1}") or "'viewer': 7" not in str(logs):  # noqa: ASYNC110 - Redis raises no event
                await asyncio.sleep(0.01)
        stopping.set()
        await running
    assert not troubles
    failed = [log["viewer"] for log in logs if log["event"] == "drift_not_sampled"]
    assert {1, 7} <= set(failed)


async def test_the_sampler_visits_all_timelines_and_exports_the_ratio(read_feed: Feed) -> None:
    """In the background it repairs timelines and exports the ratio as a metric."""
    for viewer in (8, 9):
        await read_feed.walk(viewer, 10)
    await read_feed.timelines.remove([1], entry_of(70, 3))
    reader = InMemoryMetricReader()
    drift = sampler(read_feed, 0.001)
    show_divergence(drift, MeterProvider([reader]).get_meter("test"))
    stopping = asyncio.Event()
    running = asyncio.create_task(drift.run(stopping))
    end = time.monotonic() + 30
    while await read_feed.redis.exists("timeline:{1}"):
        assert time.monotonic() < end
        await asyncio.sleep(0.01)
    await asyncio.sleep(0.05)
    stopping.set()
    await running
    data = reader.get_metrics_data()
    assert data is not None
    (metric,) = data.resource_metrics[0].scope_metrics[0].metrics
    assert metric.name == DIVERGENCE.name
    assert 0 < next(iter(metric.data.data_points)).value <= 1 / 20  # type: ignore[attr-defined]  # a gauge's
