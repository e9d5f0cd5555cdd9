"""Promotion and demotion in the real services, as an app sees it."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
import pytest
from lensfeed.feed.v1.feed_service_pb2 import GetFeedRequest
from lensfeed.feed.v1.feed_service_pb2_grpc import FeedServiceStub
from pydantic import SecretStr
from redis.asyncio import Redis

from feed_svc import app as feed_app
from feed_svc.settings import FeedSettings, WorkSettings
from meshkit.grpc.server import running
from meshkit.service_settings import ServiceSettings
from post_svc import app as post_app
from post_svc.settings import ServeSettings
from tests.follow_svc.served_graph import ServedGraph, serving_graph, serving_users
from tests.post_svc.clients import App
from tests.post_svc.media_peer import MediaPeer, running_peer

pytestmark = pytest.mark.slow

KEYS = SecretStr("a key of the tests")
CELEBRITY_FOLLOWERS = 5
GRACE_SECONDS = 0.4
PATIENCE_SECONDS = 120


@dataclass
class Mesh:
    """The services and the published posts."""

    graph: ServedGraph
    posts: App
    media: MediaPeer
    feed: Any
    redis: "Redis"

    async def post(self, author: int) -> str:
        """Publish a post; returns its id."""
        return (await self.posts.create(author, [self.media.add(author)])).post_id

    async def walk(self, viewer: int, limit: int) -> list[str]:
        """Walk a feed to its end; returns the posts' ids."""
        shown, cursor = [], ""
        while True:
            request = GetFeedRequest(cursor=cursor, limit=limit)
            page = await self.feed.GetFeed(request, metadata=(("x-user-id", str(viewer)),))
            shown += [item.post.post_id for item in page.items]
            if not page.next_cursor:
                return shown
            cursor = page.next_cursor

    async def pulled(self) -> set[int]:
        """Return the celebrities in the log."""
        members = await self.redis.zrangebylex("celebrities", "[p", "(q")
        return {int.from_bytes(bytes(member)[1:9]) for member in members if isinstance(member, bytes)}


@pytest.fixture
async def mesh(tmp_path: Path, redis: "Redis", feed_redis_url: str) -> AsyncIterator[Mesh]:
    """Run user_svc, follow_svc, post_svc, and feed_svc's two processes."""
    store = ServiceSettings(sqlite_dir=tmp_path)
    async with contextlib.AsyncExitStack() as stack:
        enter = stack.enter_async_context
        user_addr = await enter(serving_users(tmp_path, feed_redis_url))
        graph = await enter(serving_graph(store, feed_redis_url, user_addr))
        media = await enter(running_peer())
        posting = ServeSettings(
            sqlite_dir=tmp_path, redis_url=feed_redis_url, media_addr=media.address, cursor_keys=KEYS
        )
        post_addr = await enter(running(await enter(post_app.serving_process(posting)), posting))
        feeding: dict[str, Any] = {
            "redis_url": feed_redis_url,
            "user_addr": user_addr,
            "follow_addr": graph.address,
            "post_addr": post_addr,
            "celebrity_followers": CELEBRITY_FOLLOWERS,
            "celebrity_grace_seconds": GRACE_SECONDS,
        }
        working, serving = WorkSettings(**feeding), FeedSettings(**feeding, cursor_keys=KEYS)
        await enter(running(await enter(feed_app.working_process(working)), working))
        feed_addr = await enter(running(await enter(feed_app.serving_process(serving)), serving))
        post_channel = await enter(grpc.aio.insecure_channel(post_addr))
        feed_channel = await enter(grpc.aio.insecure_channel(feed_addr))
        yield Mesh(graph, App(post_channel), media, FeedServiceStub(feed_channel), redis)


async def until(holds: Callable[[], Awaitable[bool]]) -> None:
    """Wait until a condition holds."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not await holds():  # noqa: ASYNC110 - what is waited for raises no event here
            await asyncio.sleep(0.02)


async def test_a_feed_is_exact_while_an_author_is_promoted_and_demoted(mesh: Mesh) -> None:
    """Below, above and again below the threshold, every post appears once and deleted ones do not."""
    star, friend, reader, *fans = await mesh.graph.new_users(3 + CELEBRITY_FOLLOWERS)
    await mesh.graph.follow(reader, star)
    await mesh.graph.follow(reader, friend)
    expected: list[str] = []
    of_star: set[str] = set()

    async def agrees() -> bool:
        return await mesh.walk(reader, 2) == expected and await mesh.walk(reader, 100) == expected

    async def post_some() -> None:
        for author in (star, friend, star):
            expected.insert(0, await mesh.post(author))
            of_star.update(expected[:1] if author == star else ())
        await until(agrees)

    await post_some()
    assert await mesh.pulled() == set()
    for fan in fans:
        await mesh.graph.follow(fan, star)
    await post_some()  # pushed, as the promotion is young
    assert await mesh.pulled() == {star}
    await asyncio.sleep(2 * GRACE_SECONDS)
    await post_some()  # pulled
    members = await mesh.redis.lrange(f"timeline:{{{reader}}}", 0, -2)
    assert sum(bytes(member)[8:] == star.to_bytes(8) for member in members if isinstance(member, bytes)) == 4
    gone = expected.pop(2)
    await mesh.posts.delete(star, gone)
    await until(agrees)
    for fan in fans:
        await mesh.graph.unfollow(fan, star)
    await post_some()
    assert await mesh.pulled() == set()
    await mesh.graph.unfollow(reader, star)
    expected = [post_id for post_id in expected if post_id not in of_star]
    await until(agrees)
    assert len(expected) == 4
