"""Fan-out: one worker, from the event in its stream to the entry in the last live timeline."""

import asyncio
import itertools
import tempfile
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import redis
from lensfeed.events.v1 import event_pb2

from bench import machine
from bench.calling import feed_of
from bench.environments import answering, python_with
from bench.figures import Figure, Goal
from bench.harness import Run
from bench.servers import Mesh, running_mesh
from bench.timelines import copy_to, entry_of, key_of, lengthen
from bench.world import new_world
from meshkit.events.record import new_record
from meshkit.events.stream import EventStream
from meshkit.ids import first_id, new_id

STREAM = EventStream("post")
AUTHORS = 60
POSTS_EACH = 10
# A timeline is cut when it is so much over its length: its life is a walk up to there and back.
SLACK = 50
POSTS_A_SAMPLE = 3
PIPELINE = 1_000
# With what its own documentation installs for Redis, in the last versions that it can be used with.
PEER = ("stream-framework==1.4.0", "redis==2.10.6", "hiredis<1")
POLL_SECONDS = 0.002
PATIENCE_SECONDS = 120.0


@dataclass(frozen=True, slots=True)
class _People:
    reader: int
    author: int
    followers: Sequence[int]


async def measure(run: Run) -> Sequence[Figure]:
    """Measure pushes a second against raw pipelined writes, and against Stream-Framework."""
    count = run.size(20_000, 2_000)
    async with _mesh_with_followers(run, count) as (mesh, people):
        posts = _Posts(mesh, people)
        raw = _Raw(mesh, people)
        peer_python = await python_with("stream-framework", PEER)
        script = Path(__file__).parent / "peers" / "stream_framework_fan_out.py"
        port = mesh.redis_url.rpartition(":")[2].partition("/")[0]
        async with answering(str(peer_python), str(script), port, str(count), "500") as peer:
            await peer.read()
            machine.pin(peer.pid, machine.OTHERS)

            async def theirs() -> float:
                return float(await peer.ask())

            rounds = await run.in_turn(posts.pushes_a_second, raw.pushes_a_second, theirs)
        await posts.verify()
    what = f"One worker, from the event to the last of {count:,} full live timelines"
    return [
        Figure(
            "fan_out",
            f"{what}, against raw pipelined ZADD of one client to the same keys",
            "pushes/s",
            [(ours, raws) for ours, raws, _ in rounds],
            "worker",
            "ZADD",
            Goal("at least", 0.80),
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
    """Measure how long a fan-out to very many takes."""
    count = run.size(100_000, 5_000)
    async with _mesh_with_followers(run, count) as (mesh, people):
        posts = _Posts(mesh, people)
        samples = await run.in_turn(posts.seconds)
        await posts.verify()
    what = f"One worker, from the event to the last of {count:,} full live timelines"
    return [Figure("large_fan_out", what, "s", samples)]


class _Posts:
    """Posts of the author whom everybody follows, announced as post_svc does."""

    def __init__(self, mesh: Mesh, people: _People) -> None:
        self._mesh = mesh
        self._people = people
        # Some of every page of followers, whichever way the pages go.
        self._watched = [*people.followers[::97], people.followers[-1]]
        self._last = b""

    async def pushes_a_second(self) -> float:
        """Take one sample."""
        seconds = [await self.seconds() for _ in range(POSTS_A_SAMPLE)]
        return len(self._people.followers) * POSTS_A_SAMPLE / sum(seconds)

    async def seconds(self) -> float:
        """Announce one post, and wait until everybody has it."""
        place = new_id()
        self._last = entry_of(place, self._people.author)
        record = new_record(event_pb2.PostPublished(author_id=self._people.author, place=place))
        start = time.perf_counter()
        await STREAM.add(self._mesh.redis, record)
        async with asyncio.timeout(PATIENCE_SECONDS):
            await self._wait([self._people.followers[-1]])
            await self._wait(self._watched)
        return time.perf_counter() - start

    async def verify(self) -> None:
        """Raise ValueError unless every follower has the last post."""
        if missing := await self._missing(self._people.followers):
            raise ValueError(f"{missing} of {len(self._people.followers)} timelines lack the post")

    async def _wait(self, viewers: Sequence[int]) -> None:
        while await self._missing(viewers):  # noqa: ASYNC110 - another process raises no event here
            await asyncio.sleep(POLL_SECONDS)

    async def _missing(self, viewers: Sequence[int]) -> int:
        async with self._mesh.redis.pipeline(transaction=False) as pipeline:
            for viewer in viewers:
                pipeline.zscore(key_of(viewer), self._last)
            return sum(score is None for score in await pipeline.execute())


class _Raw:
    """The floor: pipelined writes by one client that knows the keys."""

    def __init__(self, mesh: Mesh, people: _People) -> None:
        self._redis = redis.Redis.from_url(mesh.redis_url)
        self._keys = [key_of(viewer) for viewer in people.followers]
        self._author = people.author

    async def pushes_a_second(self) -> float:
        """Take one sample."""
        return await asyncio.to_thread(self._write)

    def _write(self) -> float:
        start = time.perf_counter()
        for _ in range(POSTS_A_SAMPLE):
            entry = {entry_of(new_id(), self._author): 0}
            for keys in _batches(self._keys):
                pipeline = self._redis.pipeline(transaction=False)
                for key in keys:
                    pipeline.zadd(key, entry)
                pipeline.execute()
        return len(self._keys) * POSTS_A_SAMPLE / (time.perf_counter() - start)


def _batches(keys: Sequence[str]) -> Iterator[tuple[str, ...]]:
    remaining = iter(keys)
    while batch := tuple(itertools.islice(remaining, PIPELINE)):
        yield batch


@asynccontextmanager
async def _mesh_with_followers(run: Run, count: int) -> AsyncIterator[tuple[Mesh, _People]]:
    """Run a mesh in which very many follow one author, and have full timelines of lengths as they are after long use."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        run.say(f"{count:,} people follow one")
        people = await _fill(folder, count)
        # Above every count of followers: here all are pushed to.
        settings = {"LENSFEED_CELEBRITY_FOLLOWERS": "1000000000"}
        async with running_mesh(folder, settings) as mesh, feed_of(mesh.feed_address) as feed:
            await feed.first(people.reader)
            await _copy(mesh, people)
            machine.pin(mesh.valkey_pid, machine.MEASURED)
            for pid in (mesh.worker_pid, mesh.feed_pid, *mesh.peer_pids):
                machine.pin(pid, machine.OTHERS)
            with machine.on_cores(machine.OTHERS):
                yield mesh, people


async def _fill(folder: Path, count: int) -> _People:
    authors = [new_id() for _ in range(AUTHORS)]
    people = _People(new_id(), new_id(), sorted(new_id() for _ in range(count)))
    now = time.time_ns() // 1_000_000
    async with new_world(folder) as world:
        await world.add_people(authors)
        for number, author in enumerate(authors):
            times = (now - (turn * AUTHORS + number + 1) * 60_000 for turn in range(POSTS_EACH))
            await world.add_posts(author, (first_id(each) | 1 for each in times))
        await world.add_follows([people.reader], authors)
        await world.add_follows(people.followers, [people.author])
    return people


async def _copy(mesh: Mesh, people: _People) -> None:
    """Give the followers the reader's timeline, in shares that are longer by 0 to SLACK entries: a push cuts one in fifty."""
    for longer in range(SLACK):
        await copy_to(mesh.redis, people.reader, people.followers[longer::SLACK])
        await lengthen(mesh.redis, people.reader, people.author)
