"""Fan-outs over many followers: chunks that workers share, over a real stream."""

import asyncio
import contextlib
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Any

import pytest
from lensfeed.events.v1 import event_pb2
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import HistogramDataPoint, InMemoryMetricReader
from redis.asyncio import Redis
from structlog.testing import capture_logs

from feed_svc.events import FAN_OUT, GROUP, FeedEvents, StreamedChunks
from feed_svc.fan_out import lag as lag_metrics
from feed_svc.fan_out.chunks import PAGES_PER_CHUNK, Change, FanOutChunk, FollowerPage, PostChange
from feed_svc.fan_out.lag import FanOutLag
from feed_svc.fan_out.push_to_followers import PushToFollowers
from feed_svc.model import entry_of
from feed_svc.store.timelines import RedisTimelines, key_of
from meshkit.events import Consumer, DeadLetters, EventStream, new_record
from meshkit.ids import new_id
from meshkit.redis.mux import RedisMux
from meshkit.telemetry.catalog import FAN_OUT_LAG, FRESHNESS
from tests.feed_svc.world import FOLLOWERS_PAGE, Feed, WorkerDiedError, World, open_feed
from tests.recorded import Recorded

pytestmark = pytest.mark.slow

POST = EventStream("post", (GROUP,))
STAR, NEIGHBOUR = 9_001, 9_002
FOLLOWERS = range(1, 101)
CHUNKS = -(-(len(FOLLOWERS) - FOLLOWERS_PAGE) // (FOLLOWERS_PAGE * PAGES_PER_CHUNK))
LIMIT_SECONDS = 30.0
Handle = Callable[[event_pb2.Event], Awaitable[None]]


class HeldWorld(World):
    """A world whose graph returns a star's further pages of followers only once `go_on` is set."""

    def __init__(self) -> None:
        super().__init__()
        self.go_on = asyncio.Event()
        self.asked = asyncio.Event()

    async def follower_page(self, author_id: int, token: str) -> FollowerPage:
        """Wait, and return the page."""
        if author_id == STAR and token:
            self.asked.set()
            await self.go_on.wait()
        return await super().follower_page(author_id, token)


@pytest.fixture
async def world() -> World:
    """Give a world with a star who has a hundred followers."""
    world = World()
    world.follows |= {(follower, STAR) for follower in FOLLOWERS}
    return world


async def open_world(world: World, redis: "Redis", mux: RedisMux) -> Feed:
    """Open a feed whose chunks go into the real stream, and make all timelines live."""
    feed = open_feed(world, redis, mux)
    feed.chunks.hear = StreamedChunks(redis).add
    for viewer in sorted({viewer for viewer, _ in world.follows}):
        await feed.get_feed(viewer, "", 1)
    return feed


def handler_of(feed: Feed) -> Handle:
    """Return a worker's event handler."""
    return FeedEvents(
        feed.fan_out,
        feed.remove_post,
        feed.push_to_followers,
        feed.apply_follow,
        feed.refresh_author,
        feed.apply_privacy,
    )


@contextlib.asynccontextmanager
async def working(redis: "Redis", *handlers: Handle, **options: Any) -> AsyncIterator[None]:
    """Run workers on posts and chunks during the block, one per handler."""
    stopping = asyncio.Event()
    async with asyncio.timeout(LIMIT_SECONDS), asyncio.TaskGroup() as group:
        for number, handle in enumerate(handlers):
            for stream, more in ((POST, {}), (FAN_OUT, {"at_once": 1, **options})):
                group.create_task(Consumer(redis, stream, GROUP, f"m{number}", handle, **more).run(stopping))
        try:
            yield
        finally:
            stopping.set()


async def publish(feed: Feed, author: int = STAR) -> bytes:
    """Publish a post and add its event as post_svc does; returns its entry."""
    place = new_id()
    feed.world.post(author, place)
    await POST.add(feed.redis, new_record(event_pb2.PostPublished(author_id=author, place=place)))
    return entry_of(place, author)


async def who_has(feed: Feed, entry: bytes) -> set[int]:
    """Return the viewers whose timelines contain an entry."""
    viewers = sorted({viewer for viewer, _ in feed.world.follows})
    windows = [await feed.timelines.read(viewer, None, 100) for viewer in viewers]
    return {
        viewer for viewer, window in zip(viewers, windows, strict=True) if window and list(window.entries) == [entry]
    }


async def until(holds: Callable[[], Awaitable[bool]]) -> None:
    """Wait until a condition holds in Redis."""
    while not await holds():  # noqa: ASYNC110 - Redis raises no event here
        await asyncio.sleep(0.01)


async def is_idle(redis: "Redis") -> bool:
    """Tell whether all posts and chunks that were added are done."""
    for stream in (POST, FAN_OUT):
        groups = [group for group in await redis.xinfo_groups(stream.key) if group["pending"] == group["lag"] == 0]
        if not groups:
            return False
    return True


async def chunks_in(redis: "Redis") -> list[bytes]:
    """Return the payloads of all chunks that were ever added."""
    entries: Any = await redis.xrange(FAN_OUT.key)
    return [fields[b"event"] for _, fields in entries]


async def test_workers_share_a_large_fan_out(world: World, redis: "Redis", mux: RedisMux) -> None:
    """Two workers both do chunks of a fan-out, no chunk is done twice, and every follower gets the post."""
    feed = await open_world(world, redis, mux)
    done: Counter[str] = Counter()

    def counting(name: str) -> Handle:
        handle = handler_of(feed)

        async def count(event: event_pb2.Event) -> None:
            await handle(event)
            done[name] += event.WhichOneof("payload") == "fan_out_chunk"

        return count

    async with working(redis, counting("one"), counting("other")):
        entry = await publish(feed)
        await until(lambda: is_idle(redis))
    assert await who_has(feed, entry) == set(FOLLOWERS)
    assert len(await chunks_in(redis)) == done.total() == CHUNKS
    assert set(done) == {"one", "other"}


async def test_a_deletion_reaches_all_followers(world: World, redis: "Redis", mux: RedisMux) -> None:
    """No timeline keeps the entry of a deleted post."""
    feed = await open_world(world, redis, mux)
    async with working(redis, handler_of(feed)):
        entry = await publish(feed)
        await until(lambda: is_idle(redis))
        assert await who_has(feed, entry) == set(FOLLOWERS)
        deleted = event_pb2.PostDeleted(author_id=STAR, place=int.from_bytes(entry[:8]))
        await POST.add(redis, new_record(deleted))
        await until(lambda: is_idle(redis))
    assert await who_has(feed, entry) == set()
    assert len(await chunks_in(redis)) == 2 * CHUNKS


async def test_small_fan_outs_overtake_large_ones(redis: "Redis", mux: RedisMux) -> None:
    """While many chunks of large fan-outs hang, another author's posts reach all followers."""
    world = HeldWorld()
    world.follows |= {(follower, STAR) for follower in FOLLOWERS} | {(1, NEIGHBOUR)}
    feed = await open_world(world, redis, mux)
    async with working(redis, handler_of(feed)):
        for _ in range(40):  # more than a worker has in hand
            large = await publish(feed)
        await world.asked.wait()
        small = [await publish(feed, NEIGHBOUR) for _ in range(3)]
        await until(lambda: _holds(feed, 1, small))
        assert large not in await redis.lrange(key_of(FOLLOWERS[-1]), 0, -2)
        world.go_on.set()


async def test_repeated_chunks_change_nothing(world: World, redis: "Redis", mux: RedisMux) -> None:
    """A repeated chunk changes no timeline and adds no chunk."""
    feed = await open_world(world, redis, mux)
    async with working(redis, handler_of(feed)):
        entry = await publish(feed)
        await until(lambda: is_idle(redis))
        before = [await redis.dump(key_of(viewer)) for viewer in FOLLOWERS]
        chunks = await chunks_in(redis)
        posts: Any = await redis.xrange(POST.key)
        for stream, payloads in ((FAN_OUT, chunks), (POST, [fields[b"event"] for _, fields in posts])):
            for payload in payloads:
                await redis.xadd(stream.key, {b"event": payload})
        await until(lambda: is_idle(redis))
    assert await who_has(feed, entry) == set(FOLLOWERS)
    assert [await redis.dump(key_of(viewer)) for viewer in FOLLOWERS] == before
    assert len(chunks) == CHUNKS
    assert await chunks_in(redis) == chunks * 2


async def test_a_failing_chunk_delays_no_other_and_can_be_replayed(world: World, redis: "Redis", mux: RedisMux) -> None:
    """A failing chunk goes to the dead letters while the others continue; a replay completes it."""
    feed = await open_world(world, redis, mux)
    first = FOLLOWERS_PAGE * (1 + PAGES_PER_CHUNK)
    second_chunk = FOLLOWERS[first : first + FOLLOWERS_PAGE * PAGES_PER_CHUNK]
    poison = key_of(second_chunk[0])
    await redis.set(poison, "no timeline")
    letters = DeadLetters(redis, FAN_OUT)
    async with working(redis, handler_of(feed), claim_idle_ms=30):
        with capture_logs() as logs:
            entry = await publish(feed)
            await until(lambda: _is_dead(letters))
            await until(lambda: is_idle(redis))
        assert [log["stream"] for log in logs if log["event"] == "event_dead"] == ["fan_out"]
        [letter] = await letters.read()
        assert letter.event is not None
        assert (letter.event.fan_out_chunk.number, letter.why) == (2, "failed too often")
        await redis.delete(poison)
        healthy = await redis.dump(key_of(second_chunk[1]))
        assert healthy is not None
        await redis.restore(poison, 0, healthy)
        # On a cluster the others of its page may have the post: theirs are other calls.
        await feed.timelines.remove(second_chunk, entry)
        assert await who_has(feed, entry) == set(FOLLOWERS) - set(second_chunk)
        assert await letters.replay([letter.letter_id]) == 1
        await until(lambda: is_idle(redis))
    assert await who_has(feed, entry) == set(FOLLOWERS)
    assert await letters.count() == 0


async def test_an_unfollow_during_a_fan_out_removes_the_post(redis: "Redis", mux: RedisMux) -> None:
    """A follower who unfollowed between the read of the page and the push does not keep the post."""
    world = World()
    world.follows |= {(follower, STAR) for follower in FOLLOWERS}
    feed = await open_world(world, redis, mux)
    leaver = FOLLOWERS[FOLLOWERS_PAGE]
    place = new_id()
    feed.world.post(STAR, place)
    stale = await world.follower_page(STAR, str(FOLLOWERS[FOLLOWERS_PAGE - 1]))
    assert leaver in stale.viewers
    world.follows.remove((leaver, STAR))
    await feed.apply_follow(leaver, STAR)

    class Stale(World):
        async def follower_page(self, author_id: int, token: str) -> FollowerPage:  # noqa: ARG002 - the port's names
            return FollowerPage(stale.viewers, "")

    push_to_followers = PushToFollowers(
        Stale(), feed.timelines, feed.recent_unfollows, feed.apply_follow, feed.chunks, lambda *_: None
    )
    await push_to_followers.continue_chunk(FanOutChunk(PostChange(STAR, place, Change.PUSH), 1, "the page"))
    assert entry_of(place, STAR) not in await redis.lrange(key_of(leaver), 0, -2)
    assert entry_of(place, STAR) in await redis.lrange(key_of(stale.viewers[-1]), 0, -2)


async def test_a_page_is_pushed_while_the_next_one_is_read(redis: "Redis", mux: RedisMux) -> None:
    """The graph and Redis work at the same time."""
    pushed = asyncio.Event()

    class Waiting(World):
        async def follower_page(self, author_id: int, token: str) -> FollowerPage:
            if token != "0":
                await pushed.wait()
            return await super().follower_page(author_id, token)

    class Noticing(RedisTimelines):
        async def push(self, viewers: Sequence[int], entry: bytes) -> None:
            await super().push(viewers, entry)
            pushed.set()

    world = Waiting()
    world.follows |= {(follower, STAR) for follower in FOLLOWERS}
    feed = open_feed(world, redis, mux)
    timelines = Noticing(mux, ttl_seconds=3_600)
    push_to_followers = PushToFollowers(
        world, timelines, feed.recent_unfollows, feed.apply_follow, feed.chunks, lambda *_: None
    )
    feed.chunks.hear = StreamedChunks(redis).add
    async with asyncio.timeout(LIMIT_SECONDS):
        await push_to_followers.continue_chunk(FanOutChunk(PostChange(STAR, new_id(), Change.PUSH), 1, "0"))
    assert len(await chunks_in(redis)) == 1


@pytest.mark.parametrize("is_first", [True, False])
async def test_new_followers_between_two_attempts_hide_nobody(redis: "Redis", mux: RedisMux, is_first: bool) -> None:
    """After a worker died, the pages read again may end before the queued chunk begins. No follower is missed."""
    world = World()
    world.follows |= {(10 * follower, STAR) for follower in FOLLOWERS}
    feed = await open_world(world, redis, mux)
    change = PostChange(STAR, new_id(), Change.PUSH)
    first = 0 if is_first else FOLLOWERS_PAGE
    last = FOLLOWERS_PAGE if is_first else FOLLOWERS_PAGE * (1 + PAGES_PER_CHUNK)
    chunks = StreamedChunks(redis)

    async def reach() -> None:
        if is_first:
            await feed.push_to_followers(change)
        else:
            await feed.push_to_followers.continue_chunk(FanOutChunk(change, 1, str(10 * first)))

    async def die(chunk: FanOutChunk) -> bool:
        await chunks.add(chunk)
        raise WorkerDiedError

    feed.chunks.hear = die
    with pytest.raises(WorkerDiedError):
        await reach()
    world.follows.add((10 * first + 1, STAR))
    feed.chunks.hear = chunks.add
    await reach()
    event = event_pb2.Event.FromString((await chunks_in(redis))[-1])
    assert event.fan_out_chunk.page_token == str(10 * last), "the next chunk begins where the first try ended"
    reached = await who_has(feed, entry_of(change.place, STAR))
    assert {10 * follower for follower in FOLLOWERS[first:last]} <= reached


async def test_the_lag_of_a_fan_out_is_measured(
    world: World, redis: "Redis", mux: RedisMux, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The lag is recorded for the first page and for each chunk, in seconds since the publication, but not for removals.

    A post is fresh once, when its last follower has it.
    """
    recorded = Recorded(monkeypatch).replace(lag_metrics, _freshness=FRESHNESS)
    feed = await open_world(world, redis, mux)
    reader = InMemoryMetricReader()
    lag = FanOutLag(MeterProvider(metric_readers=[reader]).get_meter("test"))
    push_to_followers = PushToFollowers(
        world, feed.timelines, feed.recent_unfollows, feed.apply_follow, feed.chunks, lag
    )
    feed.chunks.hear = push_to_followers.continue_chunk
    for change in (Change.PUSH, Change.REMOVE):
        await push_to_followers(PostChange(STAR, new_id(), change))
    await push_to_followers(PostChange(STAR, new_id(_an_hour_ago()), Change.PUSH))
    [point] = _points(reader)
    assert point.count == 2 * (CHUNKS + 1)
    assert (CHUNKS + 1) * 3_600 <= point.sum < (CHUNKS + 1) * 3_700
    assert point.explicit_bounds[-1] == 600
    assert recorded.values(FRESHNESS) == {("pushed",): 2}


def _points(reader: InMemoryMetricReader) -> list[Any]:
    data = reader.get_metrics_data()
    assert data is not None
    [metric] = [
        metric
        for resource in data.resource_metrics
        for scope in resource.scope_metrics
        for metric in scope.metrics
        if metric.name == FAN_OUT_LAG.name
    ]
    assert metric.unit == "s"
    assert all(isinstance(point, HistogramDataPoint) for point in metric.data.data_points)
    return list(metric.data.data_points)


def _an_hour_ago() -> int:
    return time.time_ns() // 1_000_000 - 3_600_000


async def _holds(feed: Feed, viewer: int, entries: list[bytes]) -> bool:
    window = await feed.timelines.read(viewer, None, 100)
    return window is not None and set(entries) <= set(window.entries)


async def _is_dead(letters: DeadLetters) -> bool:
    return await letters.count() == 1
