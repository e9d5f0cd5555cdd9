"""Reads by number of followees and celebrities: warm, and after the cache was lost."""

import asyncio
import statistics
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from lensfeed.events.v1 import event_pb2
from redis.asyncio import Redis

from bench import machine
from bench.calling import Pages, call_for, feed_of
from bench.figures import Figure, Goal, Sample
from bench.harness import Run
from bench.servers import Mesh, running_mesh
from bench.timelines import key_of, pulled_by, until_live
from bench.world import new_world
from meshkit.events.record import new_record
from meshkit.events.stream import EventStream
from meshkit.ids import first_id, new_id

STREAM = EventStream("post")
FOLLOWEES = (10, 100, 1_000, 5_000)
FOLLOWEES_QUICK = (10, 100, 1_000)
CELEBRITIES = (0, 5, 20, 50)
# How long a first page may take by the number of followees when everything is lost.
GOALS_MS = {100: 50, 1_000: 200, 5_000: 500}
POSTS_EACH = 12
# A low celebrity threshold, because real celebrities would take an hour to set up.
THRESHOLD = 100
SETTINGS = {"LENSFEED_CELEBRITY_FOLLOWERS": str(THRESHOLD), "LENSFEED_CELEBRITY_GRACE_SECONDS": "0"}
# A sample is the median over this many turns of this many seconds.
TURNS = 8
TURN_SECONDS = 0.1
# In addition to celebrities, viewers follow this many others.
ORDINARY = 100


@dataclass(frozen=True, slots=True)
class _People:
    """Viewers by number of followees, and by number of celebrities among them."""

    by_followees: Mapping[int, int]
    by_celebrities: Mapping[int, int]
    newest_of_celebrities: Mapping[int, int]


async def measure_warm(run: Run) -> Sequence[Figure]:
    """Measure the latency of sequential warm reads by number of followees."""
    async with _mesh(run) as (mesh, feed, people):
        for pid in (mesh.feed_pid,):
            machine.pin(pid, machine.MEASURED)
        for pid in (mesh.valkey_pid, mesh.worker_pid, *mesh.peer_pids):
            machine.pin(pid, machine.OTHERS)
        with machine.on_cores(machine.OTHERS):
            spread = await _warm(run, mesh, feed, people.by_followees)
            pulled = await _warm(run, mesh, feed, people.by_celebrities)
    fewest, *others = people.by_followees
    nobody, *some = people.by_celebrities
    return [
        *(
            _latency(
                f"warm_{count}_followees",
                f"Warm GetFeed of who follows {count:,}, against {fewest}",
                spread,
                count,
                fewest,
                1.2,
            )
            for count in others
        ),
        *(
            _latency(
                f"warm_{count}_celebrities",
                f"Warm GetFeed of who follows {ORDINARY} and {count} celebrities, against {nobody} celebrities",
                pulled,
                count,
                nobody,
                1.5,
            )
            for count in some
        ),
    ]


async def measure_first(run: Run) -> Sequence[Figure]:
    """Measure the first read after losing a timeline or all of Redis."""
    async with _mesh(run) as (mesh, feed, people):
        counts = [count for count in people.by_followees if count >= 100]  # noqa: PLR2004 - fewer are faster still
        figures = []
        for name, what, lose in (
            ("expired", "its timeline and all cards, authors' timelines being cached", _expire),
            ("lost", "everything in Redis", _lose_all),
        ):
            run.say(f"{' and '.join(f'{count:,}' for count in counts)} followees, without {what}")
            members = [partial(_first_ms, mesh, feed, people.by_followees[count], lose) for count in counts]
            rounds = await run.in_turn(*members)
            figures += [
                Figure(
                    f"first_read_{name}_{count}",
                    f"First GetFeed of who follows {count:,} after the loss of {what}",
                    "ms",
                    [(each[place],) for each in rounds],
                    goal=Goal("at most", GOALS_MS[count]) if name == "lost" else None,
                )
                for place, count in enumerate(counts)
            ]
    return figures


Samples = Mapping[int, Sequence[float]]


async def _warm(run: Run, mesh: Mesh, feed: Pages, viewers: Mapping[int, int]) -> Samples:
    """Return each viewer's median latencies in ms, taken in short turns so that disturbances affect all."""
    sizes = {viewer: len(await feed.first(viewer)) for viewer in viewers.values()}
    turns = run.size(TURNS, 2)

    async def one_round() -> Sample:
        calls: dict[int, list[float]] = {viewer: [] for viewer in sizes}
        for _ in range(turns):
            for viewer, size in sizes.items():
                await feed.first(viewer)  # its cards are in the cache
                calls[viewer] += await call_for(
                    TURN_SECONDS, mesh.feed_address, [viewer], size, connections=1, at_once=1
                )
        return tuple(statistics.median(each) * 1000 for each in calls.values())

    rounds = await run.rounds(one_round)
    return {count: [each[place] for each in rounds] for place, count in enumerate(viewers)}


def _latency(name: str, what: str, samples: Samples, count: int, first: int, goal: float) -> Figure:
    pairs = list(zip(samples[count], samples[first], strict=True))
    return Figure(name, what, "ms", pairs, f"{count:,}", f"{first:,}", Goal("at most", goal))


async def _first_ms(mesh: Mesh, feed: Pages, viewer: int, lose: Callable[["Redis", int], Awaitable[None]]) -> float:
    await feed.first(viewer)
    await until_live(mesh.redis, viewer)
    await lose(mesh.redis, viewer)
    start = time.perf_counter()
    await feed.first(viewer)
    return (time.perf_counter() - start) * 1000


async def _expire(redis: "Redis", viewer: int) -> None:
    """Delete a viewer's timeline and all cards, as their TTLs would."""
    await redis.delete(key_of(viewer), *[key async for key in redis.scan_iter("card:*", count=1_000)])


async def _lose_all(redis: "Redis", _viewer: int) -> None:
    await redis.flushall()


@asynccontextmanager
async def _mesh(run: Run) -> AsyncIterator[tuple[Mesh, Pages, _People]]:
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        run.say("filling the stores")
        people = await _fill(folder, run)
        async with running_mesh(folder, SETTINGS) as mesh, feed_of(mesh.feed_address) as feed:
            await _announce(mesh, people.newest_of_celebrities)
            for viewer in (*people.by_followees.values(), *people.by_celebrities.values()):
                await feed.first(viewer)
                await until_live(mesh.redis, viewer)
            for count, viewer in people.by_celebrities.items():
                if (pulled := await pulled_by(mesh.redis, viewer)) != count:
                    raise ValueError(f"a viewer of {count} celebrities pulls {pulled} authors")
            yield mesh, feed, people


async def _fill(folder: Path, run: Run) -> _People:
    counts = FOLLOWEES_QUICK if run.is_quick else FOLLOWEES
    authors = [new_id() for _ in range(counts[-1])]
    celebrities = [new_id() for _ in range(CELEBRITIES[-1])]
    by_followees = {count: new_id() for count in counts}
    by_celebrities = {count: new_id() for count in CELEBRITIES}
    fans = [new_id() for _ in range(THRESHOLD)]
    everybody = [author for pair in zip(celebrities, authors, strict=False) for author in pair]
    everybody += authors[len(celebrities) :]
    now = time.time_ns() // 1_000_000
    places = {}
    async with new_world(folder) as world:
        await world.add_people(everybody)
        for number, author in enumerate(everybody):
            times = [now - (turn * len(everybody) + number + 1) * 1_000 for turn in range(POSTS_EACH)]
            places[author] = [first_id(each) | 1 for each in times]
            await world.add_posts(author, places[author])
        for count, viewer in by_followees.items():
            await world.add_follows([viewer], authors[:count])
        for count, viewer in by_celebrities.items():
            await world.add_follows([viewer], [*authors[:ORDINARY], *celebrities[:count]])
        await world.add_follows(fans, celebrities)
    return _People(by_followees, by_celebrities, {author: places[author][0] for author in celebrities})


async def _announce(mesh: Mesh, posts: Mapping[int, int]) -> None:
    """Announce posts and wait until they are handled, which is when celebrities are detected."""
    for author, place in posts.items():
        await STREAM.add(mesh.redis, new_record(event_pb2.PostPublished(author_id=author, place=place)))
    while not await _all_handled(mesh.redis):  # noqa: ASYNC110 - another process raises no event here
        await asyncio.sleep(0.02)


async def _all_handled(redis: "Redis") -> bool:
    handled = await STREAM.handled_position(redis)
    return handled is not None and handled >= await STREAM.last_position(redis)
