"""A page below the cached timeline, compared with the slowest read of a single author's posts."""

import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from pathlib import Path

import grpc
from lensfeed.post.v1 import post_internal_service_pb2 as post_pb2
from lensfeed.post.v1.post_internal_service_pb2_grpc import PostInternalServiceStub

from bench.calling import PAGE, Pages, feed_of
from bench.figures import Figure, Goal, Sample
from bench.harness import Run
from bench.servers import Mesh, running_mesh
from bench.timelines import until_live
from bench.world import new_world
from feed_svc.model import TIMELINE_LENGTH
from meshkit.ids import first_id, new_id

FOLLOWEES = 200
POSTS_EACH = 12
# The median of so many pages, and of so many reads of each author, is a sample.
PAGES, READS = 15, 3
# Pages above the measured ones: the cached timeline, and some that warm up what they need.
ABOVE = TIMELINE_LENGTH // PAGE + 5


async def measure(run: Run) -> Sequence[Figure]:
    """Measure pages below the cached timeline of who follows 200, with authors' timelines cached and lost."""
    with tempfile.TemporaryDirectory() as temporary:
        viewer, authors = await _fill(Path(temporary))
        async with (
            running_mesh(Path(temporary)) as mesh,
            feed_of(mesh.feed_address) as feed,
            grpc.aio.insecure_channel(mesh.post_address) as channel,
        ):
            rounds = await run.rounds(lambda: _one_round(mesh, feed, channel, viewer, authors))
    return [
        Figure(
            "deep_page",
            f"Old page of who follows {FOLLOWEES}, against the slowest read of one of these authors' posts",
            "ms",
            [(page, slowest) for page, _, slowest in rounds],
            "page",
            "post_svc",
            Goal("at most", 5),
        ),
        Figure(
            "deep_page_lost",
            "The same without authors' cached timelines, which the page builds",
            "ms",
            [(page, slowest) for _, page, slowest in rounds],
            "page",
            "post_svc",
        ),
    ]


async def _one_round(mesh: Mesh, feed: Pages, channel: grpc.aio.Channel, viewer: int, authors: Sequence[int]) -> Sample:
    await feed.first(viewer)
    await until_live(mesh.redis, viewer)
    cursor = ""
    for _ in range(ABOVE):
        cursor = await feed.below(viewer, cursor)
    cached, lost = [], []
    for _ in range(PAGES):
        cached.append(await _ms(partial(feed.below, viewer, cursor)))
        await mesh.redis.delete(*await mesh.redis.keys("author:*"))
        lost.append(await _ms(partial(feed.below, viewer, cursor)))
        cursor = await feed.below(viewer, cursor)
    return statistics.median(cached), statistics.median(lost), await _slowest(channel, authors)


async def _slowest(channel: grpc.aio.Channel, authors: Sequence[int]) -> float:
    """Return the milliseconds of the author whose posts take longest."""
    posts = PostInternalServiceStub(channel)
    requests = [post_pb2.BatchListPlacesRequest(author_ids=[author], limit_per_author=PAGE) for author in authors]
    return max(
        [statistics.median([await _ms(partial(posts.BatchListPlaces, r)) for _ in range(READS)]) for r in requests]
    )


async def _ms(call: Callable[[], Awaitable[object]]) -> float:
    start = time.perf_counter()
    await call()
    return (time.perf_counter() - start) * 1_000


async def _fill(folder: Path) -> tuple[int, list[int]]:
    viewer, authors = new_id(), [new_id() for _ in range(FOLLOWEES)]
    now = time.time_ns() // 1_000_000
    async with new_world(folder) as world:
        await world.add_people(authors)
        for number, author in enumerate(authors):
            times = (now - (turn * FOLLOWEES + number + 1) * 1_000 for turn in range(POSTS_EACH))
            await world.add_posts(author, (first_id(each) | 1 for each in times))
        await world.add_follows([viewer], authors)
    return viewer, authors
