"""Posts created by one post_svc process on Cassandra, compared with its statements sent by the bridge alone."""

import asyncio
import contextlib
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import grpc
import psutil
from lensfeed.media.v1.media_internal_service_pb2 import (
    BatchGetMediaRequest,
    BatchGetMediaResponse,
    CountViewsRequest,
    CountViewsResponse,
)
from lensfeed.media.v1.media_internal_service_pb2_grpc import (
    MediaInternalServiceServicer,
    add_MediaInternalServiceServicer_to_server,
)
from lensfeed.post.v1.post_service_pb2 import CreatePostRequest
from lensfeed.post.v1.post_service_pb2_grpc import PostServiceStub

from bench.calling import metadata_of
from bench.cassandra_bridge import connected
from bench.figures import Figure, Goal, Sample
from bench.harness import Run
from bench.servers import command_of, environment_of
from bench.world import CAPTION, manifest_of, ready_photo
from devmesh.parts.cassandra.cluster import running_cassandra
from devmesh.parts.valkey import running_valkey
from devmesh.ports import address, reserved_ports
from devmesh.supervise.readiness import grpc_serving
from devmesh.supervise.running import running
from meshkit.cassandra import Cassandra, open_cassandra
from meshkit.cassandra.outbox import MIGRATIONS as OUTBOX_MIGRATIONS
from meshkit.cassandra.outbox import outbox_steps
from meshkit.cassandra_settings import CassandraSettings
from meshkit.grpc import server
from meshkit.ids import PublicId, new_id
from post_svc.events import published_event
from post_svc.model import PublishedPost
from post_svc.store.cassandra import MIGRATIONS, CassandraPostStore
from post_svc.store.cassandra_media import add_uses
from post_svc.store.cassandra_timelines import publish_steps

AT_ONCE = 32
Write = Callable[[], Awaitable[Any]]


async def measure(run: Run) -> Sequence[Figure]:
    """Measure posts per second by CreatePost, by the store of post_svc, and by its last batch alone."""
    posts = run.size(800, 100)
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        run.say("starting a node")
        async with (
            running_cassandra(folder / "node", survives_kill=False) as node,
            _running_post_svc(folder, node.contact_points) as (stub, process),
            open_cassandra(
                CassandraSettings(cassandra_contact_points=node.contact_points), "post", MIGRATIONS, OUTBOX_MIGRATIONS
            ) as cassandra,
        ):
            await connected(cassandra)
            writes = (
                partial(_create, stub),
                partial(_publish, CassandraPostStore(cassandra)),
                partial(_write_batch, cassandra),
            )

            async def one_round() -> Sample:
                before = _cpu_seconds(process)
                rates = [await _rate(posts, write) for write in writes]
                return (*rates, (_cpu_seconds(process) - before) / posts * 1000)

            rounds = await run.rounds(one_round)
    what = f"CreatePost of a post with one photo by one process of post_svc on Cassandra, {AT_ONCE} at once, against"
    return [
        Figure(
            "create_post_batch",
            f"{what} its logged batch alone, sent by the bridge",
            "posts/s",
            [(ours, batch) for ours, _, batch, _ in rounds],
            "post_svc",
            "batch",
            Goal("at least", 0.8),
        ),
        Figure(
            "create_post",
            f"{what} all of its statements: the lightweight transaction that decides races, and that batch",
            "posts/s",
            [(ours, store) for ours, store, _, _ in rounds],
            "post_svc",
            "statements",
            Goal("at least", 0.8),
        ),
        Figure("create_post_cpu", "CPU time of post_svc for it", "ms", [(cpu,) for *_, cpu in rounds]),
    ]


def _cpu_seconds(process: psutil.Process) -> float:
    return sum(process.cpu_times()[:2])


async def _rate(posts: int, write: Write) -> float:
    left = iter(range(posts))

    async def writer() -> None:
        for _ in left:
            await write()

    start = time.perf_counter()
    await asyncio.gather(*(writer() for _ in range(AT_ONCE)))
    return posts / (time.perf_counter() - start)


async def _create(stub: Any, /) -> None:
    author = new_id()
    request = CreatePostRequest(caption=CAPTION, media_ids=[str(PublicId(new_id(), author))])
    await stub.CreatePost(request, metadata=metadata_of(author))


async def _publish(store: CassandraPostStore) -> None:
    post = _new_post()
    if not await store.publish(post, [published_event(post.id.owner, post.place)]):
        raise ValueError("a post with a new id was there before")


async def _write_batch(cassandra: Cassandra) -> None:
    post = _new_post()
    event = published_event(post.id.owner, post.place)
    await cassandra.execute_batch(*publish_steps(post), *add_uses(post), *outbox_steps([event]))


def _new_post() -> PublishedPost:
    author, place = new_id(), new_id()
    return PublishedPost(PublicId(place, author), place, CAPTION, manifest_of(PublicId(new_id(), author)))


@contextlib.asynccontextmanager
async def _running_post_svc(folder: Path, contact_points: str) -> AsyncIterator[tuple[Any, psutil.Process]]:
    """Run Valkey, post_svc and the media that it asks for. Yields a stub and the process."""
    media = server.Process("media", [partial(add_MediaInternalServiceServicer_to_server, _ReadyMedia())])
    with reserved_ports(1) as [port]:
        async with (
            running_valkey(folder / "valkey") as redis_url,
            server.running(media, server.ServerSettings()) as media_address,
        ):
            env = {
                **environment_of(folder, redis_url, {}),
                "LENSFEED_LISTEN_ADDR": address(port),
                "LENSFEED_FOLLOW_ADDR": "127.0.0.1:9",  # not needed: nobody reads
                "LENSFEED_MEDIA_ADDR": media_address,
                "LENSFEED_STORE": "cassandra",
                "LENSFEED_CASSANDRA_CONTACT_POINTS": contact_points,
            }
            command = command_of(folder, env, "post_svc", "serve", name="post")
            async with (
                running("post", command, partial(grpc_serving, port)) as child,
                grpc.aio.insecure_channel(address(port)) as channel,
            ):
                yield PostServiceStub(channel), psutil.Process(child.pid)


class _ReadyMedia(MediaInternalServiceServicer):
    """All media of everyone, READY."""

    async def BatchGetMedia(  # noqa: N802 - the contract's name
        self, request: BatchGetMediaRequest, _context: Any
    ) -> BatchGetMediaResponse:
        media = [ready_photo(PublicId.parse(each)) for each in request.media_ids]
        return BatchGetMediaResponse(media=media)

    async def CountViews(  # noqa: N802 - the contract's name
        self, _request: CountViewsRequest, _context: Any
    ) -> CountViewsResponse:
        return CountViewsResponse()
