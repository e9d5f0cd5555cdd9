"""Two processes of feed_svc with cards in memory: a deleted post, an old profile and an old visibility leave both."""

import asyncio
import contextlib
import os
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import grpc
import pytest
from lensfeed.feed.v1.feed_service_pb2 import GetFeedRequest
from lensfeed.feed.v1.feed_service_pb2_grpc import FeedServiceStub
from lensfeed.follow.v1.follow_service_pb2 import UpdatePrivacyRequest
from lensfeed.follow.v1.visibility_pb2 import (
    ACCOUNT_VISIBILITY_PRIVATE,
    ACCOUNT_VISIBILITY_PUBLIC,
    AccountVisibility,
)
from lensfeed.user.v1.user_service_pb2 import UpdateUserRequest
from pydantic import SecretStr
from redis.asyncio import Redis

from devmesh.ports import address, reserved_ports
from devmesh.supervise.process import Command
from devmesh.supervise.readiness import grpc_serving
from devmesh.supervise.running import running as running_command
from feed_svc import app as feed_app
from feed_svc.settings import WorkSettings
from feed_svc.store.card_memory import TRUST_SECONDS
from meshkit.grpc.server import running
from meshkit.service_settings import ServiceSettings
from post_svc import app as post_app
from post_svc.settings import ServeSettings
from tests.follow_svc.served_graph import ServedGraph, caller, serving_graph, serving_users
from tests.post_svc.clients import App
from tests.post_svc.media_peer import MediaPeer, running_peer

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[3]
KEYS = SecretStr("a key of the tests")
PATIENCE_SECONDS = 60
PROCESSES = 2


@dataclass
class Mesh:
    """The services, and a stub of each serving process."""

    graph: ServedGraph
    posts: App
    media: MediaPeer
    feeds: list[Any]
    redis: "Redis"

    async def items(self, viewer: int) -> list[list[tuple[str, str]]]:
        """Return what each process shows: the posts' ids and their authors' names."""
        pages = [await feed.GetFeed(GetFeedRequest(), metadata=caller(viewer)) for feed in self.feeds]
        return [[(item.post.post_id, item.author.display_name) for item in page.items] for page in pages]

    async def show_private(self, viewer: int, is_private: bool) -> bool:
        """Tell whether each process says of all posts that their authors are private, or public."""
        pages = [await feed.GetFeed(GetFeedRequest(), metadata=caller(viewer)) for feed in self.feeds]
        return all(item.is_private == is_private for page in pages for item in page.items)

    async def switch(self, user_id: int, visibility: AccountVisibility.ValueType) -> None:
        """Make an account private or public."""
        request = UpdatePrivacyRequest(visibility=visibility)
        await self.graph.public.UpdatePrivacy(request, metadata=caller(user_id))


@contextlib.asynccontextmanager
async def serving_feed(folder: Path, settings: dict[str, str], number: int) -> AsyncIterator[grpc.aio.Channel]:
    """Run `python -m feed_svc serve`."""
    with reserved_ports(1) as [port]:
        env = {**os.environ, "LENSFEED_LISTEN_ADDR": address(port), **settings}
        command = Command((sys.executable, "-m", "feed_svc", "serve"), env, ROOT, folder / f"feed-{number}.log")
        async with (
            running_command("a feed", command, partial(grpc_serving, port)),
            grpc.aio.insecure_channel(address(port)) as channel,
        ):
            yield channel


@pytest.fixture
async def mesh(tmp_path: Path, redis: "Redis", feed_redis_url: str) -> AsyncIterator[Mesh]:
    """Run user_svc, follow_svc, post_svc, a worker and two serving processes of feed_svc."""
    async with contextlib.AsyncExitStack() as stack:
        enter = stack.enter_async_context
        user_addr = await enter(serving_users(tmp_path, feed_redis_url))
        graph = await enter(serving_graph(ServiceSettings(sqlite_dir=tmp_path), feed_redis_url, user_addr))
        media = await enter(running_peer())
        posting = ServeSettings(
            sqlite_dir=tmp_path, redis_url=feed_redis_url, media_addr=media.address, cursor_keys=KEYS
        )
        post_addr = await enter(running(await enter(post_app.serving_process(posting)), posting))
        peers = {
            "redis_url": feed_redis_url,
            "user_addr": user_addr,
            "follow_addr": graph.address,
            "post_addr": post_addr,
        }
        working = WorkSettings.model_validate(peers)
        await enter(running(await enter(feed_app.working_process(working)), working))
        env = {f"LENSFEED_{name.upper()}": value for name, value in peers.items()}
        env["LENSFEED_CURSOR_KEYS"] = KEYS.get_secret_value()
        channels = [await enter(serving_feed(tmp_path, env, number)) for number in range(PROCESSES)]
        posts = App(await enter(grpc.aio.insecure_channel(post_addr)))
        yield Mesh(graph, posts, media, [FeedServiceStub(channel) for channel in channels], redis)


async def until(holds: Callable[[], Awaitable[bool]]) -> None:
    """Wait until a condition holds."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not await holds():  # noqa: ASYNC110 - what is waited for raises no event here
            await asyncio.sleep(0.02)


async def test_changes_reach_the_memory_of_every_process(mesh: Mesh) -> None:
    """Two seconds after the worker has handled a deletion, a new profile or visibility, no process shows the former card."""
    reader, author = await mesh.graph.new_users(2)
    await mesh.graph.follow(reader, author)
    older, newer = [(await mesh.posts.create(author, [mesh.media.add(author)])).post_id for _ in range(2)]
    both = [(newer, ""), (older, "")]

    async def shows(expected: list[tuple[str, str]]) -> bool:
        return await mesh.items(reader) == [expected] * PROCESSES

    await until(lambda: shows(both))
    assert await shows(both)  # once more: only cards that were read from Redis are kept
    for key in await mesh.redis.keys("card:*"):
        await mesh.redis.delete(key)
    assert await shows(both)
    assert not await mesh.redis.keys("card:*"), "the page came from memory"

    changes = await _changes(mesh)
    await mesh.posts.delete(author, newer)
    await until(lambda: _is_changed(mesh, changes))
    handled = time.monotonic()
    await until(lambda: shows([(older, "")]))
    assert time.monotonic() - handled < TRUST_SECONDS

    changes = await _changes(mesh)
    await mesh.graph.accounts.UpdateUser(UpdateUserRequest(display_name="Ada"), metadata=caller(author))
    await until(lambda: _is_changed(mesh, changes))
    handled = time.monotonic()
    await until(lambda: shows([(older, "Ada")]))
    assert time.monotonic() - handled < TRUST_SECONDS

    public = f"public:{{{author}}}"
    assert await mesh.redis.get(public)
    for visibility in (ACCOUNT_VISIBILITY_PRIVATE, ACCOUNT_VISIBILITY_PUBLIC):
        is_private = visibility == ACCOUNT_VISIBILITY_PRIVATE
        assert await mesh.show_private(reader, not is_private)
        changes = await _changes(mesh)
        await mesh.switch(author, visibility)
        await until(lambda before=changes: _is_changed(mesh, before))  # type: ignore[misc]  # a default in a lambda
        handled = time.monotonic()
        await until(lambda expected=is_private: mesh.show_private(reader, expected))  # type: ignore[misc]  # the same
        assert time.monotonic() - handled < TRUST_SECONDS
        assert await shows([(older, "Ada")])
        assert await mesh.redis.get(public) == b"", "a change is not over for minutes"


async def _changes(mesh: Mesh) -> int:
    return int(await mesh.redis.xlen("cards:changed"))


async def _is_changed(mesh: Mesh, before: int) -> bool:
    return await _changes(mesh) > before
