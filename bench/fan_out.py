"""Fan-out by one worker, from the event in its stream to the entry in the last live timeline."""

import asyncio
import itertools
import os
import tempfile
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import redis
from lensfeed.events.v1 import event_pb2

from bench import machine
from bench.calling import Pages, feed_of
from bench.environments import answering, python_with
from bench.figures import Figure, Goal, Sample
from bench.harness import Run
from bench.servers import Mesh, running_mesh
from bench.timelines import add_entry, copy_to, entry_of, key_of
from bench.world import new_world, open_posts, publish
from meshkit.events.record import new_record
from meshkit.events.stream import EventStream
from meshkit.ids import first_id, new_id
from post_svc.store.sqlite import SqlitePostStore

STREAM = EventStream("post")
# What a timeline holds, and more.
TIMELINE_LENGTH, POSTS = 500, 560
# A timeline is trimmed when it exceeds its length by this much, so lengths vary in this range.
SLACK = 50
# Posts of each member per sample.
POSTS_A_SAMPLE = 3
PIPELINE = 1_000
# What its documentation installs for Redis, in the last versions that work with it.
PEER = ("stream-framework==1.4.0", "redis==2.10.6", "hiredis<1")
POLL_SECONDS = 0.002
PATIENCE_SECONDS = 120.0


@dataclass(frozen=True, slots=True)
class _People:
    """Everyone follows one author only, so that copied timelines are correct."""

    author: int
    followers: Sequence[int]
    posts: SqlitePostStore


async def measure(run: Run) -> Sequence[Figure]:
    """Measure pushes per second, compared with raw pipelined writes and with Stream-Framework."""
    count = run.size(20_000, 2_000)
    async with _mesh_with_followers(run, count) as (mesh, people):
        posts = _Posts(mesh, people)
        raw = _Raw(mesh, people)
        await raw.fill()
        peer_python = await python_with("stream-framework", PEER)
        script = Path(__file__).parent / "peers" / "stream_framework_fan_out.py"
        valkey = urlsplit(mesh.redis_url)
        env = os.environ | {"REDIS_PASSWORD": valkey.password or ""}
        async with answering(str(peer_python), str(script), str(valkey.port), str(count), "500", env=env) as peer:
            await peer.read()
            machine.pin(peer.pid, machine.OTHERS)

            async def one_round() -> Sample:
                turns = [
                    (await posts.seconds(), await raw.seconds(), count / float(await peer.ask()))
                    for _ in range(POSTS_A_SAMPLE)
                ]
                return tuple(count * POSTS_A_SAMPLE / sum(seconds) for seconds in zip(*turns, strict=True))

            rounds = await run.rounds(one_round)
        await posts.verify()
    what = f"One worker, from the event to the last of {count:,} full live timelines"
    return [
        Figure(
            "fan_out",
            f"{what}, against raw pipelined ZADD of one client to sorted sets of the same entries",
            "pushes/s",
            [(ours, raws) for ours, raws, _ in rounds],
            "worker",
            "ZADD",
            Goal("at least", 3.0),
        ),
        Figure(
            "fan_out_peer",
            f"{what}, against Stream-Framework 1.4 to as many feeds as long",
            "pushes/s",
            [(ours, peers) for ours, _, peers in rounds],
            "worker",
            "Stream-Framework",
            Goal("at least", 5),
        ),
    ]


async def measure_large(run: Run) -> Sequence[Figure]:
    """Measure the time of a fan-out to very many followers."""
    count = run.size(100_000, 5_000)
    async with _mesh_with_followers(run, count) as (mesh, people):
        posts = _Posts(mesh, people)
        samples = await run.in_turn(posts.seconds)
        await posts.verify()
    what = f"One worker, from the event to the last of {count:,} full live timelines"
    return [Figure("large_fan_out", what, "s", samples)]


class _Posts:
    """Publishes posts of the author and announces them as post_svc does."""

    def __init__(self, mesh: Mesh, people: _People) -> None:
        self._mesh = mesh
        self._people = people
        # Some of every page of followers, in any order of pages.
        self._watched = [*people.followers[::97], people.followers[-1]]
        self._last = b""

    async def seconds(self) -> float:
        """Announce a post and return the seconds until all timelines have it."""
        place = new_id()
        self._last = entry_of(place, self._people.author)
        await publish(self._people.posts, self._people.author, place)
        record = new_record(event_pb2.PostPublished(author_id=self._people.author, place=place))
        start = time.perf_counter()
        await STREAM.add(self._mesh.redis, record)
        async with asyncio.timeout(PATIENCE_SECONDS):
            await self._wait([self._people.followers[-1]])
            await self._wait(self._watched)
        return time.perf_counter() - start

    async def verify(self) -> None:
        """Raise ValueError unless every follower's timeline has the last post."""
        if missing := await self._missing(self._people.followers):
            raise ValueError(f"{missing} of {len(self._people.followers)} timelines lack the post")

    async def _wait(self, viewers: Sequence[int]) -> None:
        while await self._missing(viewers):  # noqa: ASYNC110 - another process raises no event here
            await asyncio.sleep(POLL_SECONDS)

    async def _missing(self, viewers: Sequence[int]) -> int:
        async with self._mesh.redis.pipeline(transaction=False) as pipeline:
            for viewer in viewers:
                pipeline.lindex(key_of(viewer), 0)
            return sum(newest != self._last for newest in await pipeline.execute())


class _Raw:
    """The baseline: pipelined writes by one client to sorted sets whose keys it knows, as long as the timelines."""

    def __init__(self, mesh: Mesh, people: _People) -> None:
        self._redis = redis.Redis.from_url(mesh.redis_url)
        self._keys = [_raw_key(viewer) for viewer in people.followers]
        self._author = people.author

    async def fill(self) -> None:
        """Create the sorted sets, with the encoding that takes least memory."""
        await asyncio.to_thread(self._fill)

    def _fill(self) -> None:
        self._redis.config_set("zset-max-listpack-entries", 1_024)
        models = [_raw_key(copied) for copied in range(SLACK)]
        for length, model in enumerate(models, TIMELINE_LENGTH):
            self._redis.zadd(model, {entry_of(place, self._author): 0 for place in range(1, length + 1)})
        for keys in _batches(self._keys):
            pipeline = self._redis.pipeline(transaction=False)
            for number, key in enumerate(keys):
                pipeline.copy(models[number % SLACK], key)
            pipeline.execute()

    async def seconds(self) -> float:
        """Write one entry to all keys and return the seconds. Removes it again, so that pushes do not trim more often."""
        entry = entry_of(new_id(), self._author)
        try:
            return await asyncio.to_thread(self._write, entry)
        finally:
            await asyncio.to_thread(self._remove, entry)

    def _write(self, entry: bytes) -> float:
        start = time.perf_counter()
        for keys in _batches(self._keys):
            pipeline = self._redis.pipeline(transaction=False)
            for key in keys:
                pipeline.zadd(key, {entry: 0})
            pipeline.execute()
        return time.perf_counter() - start

    def _remove(self, entry: bytes) -> None:
        for keys in _batches(self._keys):
            pipeline = self._redis.pipeline(transaction=False)
            for key in keys:
                pipeline.zrem(key, entry)
            pipeline.execute()


def _raw_key(viewer: int) -> str:
    return f"raw:{{{viewer}}}"


def _batches(keys: Sequence[str]) -> Iterator[tuple[str, ...]]:
    remaining = iter(keys)
    while batch := tuple(itertools.islice(remaining, PIPELINE)):
        yield batch


@asynccontextmanager
async def _mesh_with_followers(run: Run, count: int) -> AsyncIterator[tuple[Mesh, _People]]:
    """Run a mesh with many followers of one author, whose timelines have the lengths of long use."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        run.say(f"creating {count:,} followers")
        author, followers = await _fill(folder, count)
        # Above every follower count, so that all posts are pushed.
        settings = {"LENSFEED_CELEBRITY_FOLLOWERS": "1000000000"}
        async with (
            running_mesh(folder, settings) as mesh,
            feed_of(mesh.feed_address) as feed,
            open_posts(folder) as posts,
        ):
            people = _People(author, followers, posts)
            await _make_timelines(mesh, feed, people)
            machine.pin(mesh.valkey_pid, machine.MEASURED)
            for pid in (mesh.worker_pid, mesh.feed_pid, *mesh.peer_pids):
                machine.pin(pid, machine.OTHERS)
            with machine.on_cores(machine.OTHERS):
                yield mesh, people


async def _fill(folder: Path, count: int) -> tuple[int, Sequence[int]]:
    author, followers = new_id(), sorted(new_id() for _ in range(count))
    now = time.time_ns() // 1_000_000
    async with new_world(folder) as world:
        await world.add_people([author])
        await world.add_posts(author, (first_id(now - turn * 60_000) | 1 for turn in range(1, POSTS + 1)))
        await world.add_follows(followers, [author])
    return author, followers


async def _make_timelines(mesh: Mesh, feed: Pages, people: _People) -> None:
    """Give all followers live timelines, 0 to SLACK entries over their length, so that a push trims one in fifty.

    The first follower of each group reads its feed and gets later posts. The others get copies.
    """
    live: list[int] = []
    for reader in people.followers[:SLACK]:
        place = new_id()
        await publish(people.posts, people.author, place)
        await add_entry(mesh.redis, live, entry_of(place, people.author))
        # The post was not announced, so the author's cached timeline lacks it.
        await mesh.redis.delete(*await mesh.redis.keys("author:*"), "nothing")
        await feed.first(reader)
        live.append(reader)
    for share, reader in enumerate(live):
        await copy_to(mesh.redis, reader, people.followers[share + SLACK :: SLACK])
