"""Resilience: killed parts, a restart, and a second mesh.

These tests share their own mesh and build on one another.
"""

import asyncio
import contextlib
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator
from dataclasses import dataclass
from functools import partial

import grpc
import psutil
import pytest
import pytest_asyncio
from google.rpc.code_pb2 import Code
from lensfeed.feed.v1 import feed_service_pb2, feed_service_pb2_grpc
from redis.exceptions import RedisError

from meshkit.redis.client import open_redis
from tests.blackbox.edge_view import until_edge_is_settled
from tests.blackbox.mesh import Mesh, Reach, processes_of, reached, running_mesh
from tests.blackbox.people import PASSWORD, Person, eventually, logged_in, new_user
from tests.protocols import rest_outcome

pytestmark = pytest.mark.mesh

DEADLINE_SECONDS = 15.0
"""Of a call: as the edge sets it."""


@dataclass
class Story:
    """A mesh with faults, a reader of one author, and the captions of all posts so far, oldest first."""

    mesh: Mesh
    reader: Person
    author: Person
    photo: str
    captions: list[str]

    async def post(self, caption: str) -> None:
        """Let the author post."""
        await self.author.post(caption, [self.photo])
        self.captions.append(caption)

    async def post_surely(self, caption: str) -> None:
        """Let the author post, with retries as the edge asks for them."""
        body = {"caption": caption, "mediaIds": [self.photo]}
        post = partial(self.author.send, "POST", "/posts", body, idempotency_key=caption.replace(" ", "-"))
        await eventually(post, lambda response: response.is_success)
        self.captions.append(caption)

    async def is_whole(self) -> None:
        """Wait until the edge sees every service as healthy and the reader's feed has exactly all posts so far."""
        await until_edge_is_settled(self.mesh)
        await self.reader.sees(*self.captions[::-1])

    async def comes_back(self, words: str, killed: psutil.Process) -> None:
        """Wait until a killed part runs again."""

        async def look() -> set[int]:
            return {each.pid for each in self.mesh.processes_of(words)} - {killed.pid}

        await eventually(look, lambda pids: len(pids) == 1)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def begun(store_kind: str, tmp_path_factory: pytest.TempPathFactory, photo: bytes) -> AsyncIterator[Story]:
    """Yield a mesh with a reader, an author and two posts."""
    async with running_mesh(tmp_path_factory.mktemp("troubles"), store_kind) as mesh, reached(mesh) as reach:
        reader, author = await new_user(reach, "reader"), await new_user(reach, "author")
        media_id = await author.upload(photo)
        await author.finished(media_id)
        await reader.follow(author)
        story = Story(mesh, reader, author, media_id, [])
        for caption in ("first", "second"):
            await story.post(caption)
        yield story


@pytest_asyncio.fixture
async def story(begun: Story) -> Story:
    """Return the mesh once it has recovered from the previous test."""
    await begun.is_whole()
    return begun


async def test_two_meshes_are_independent(story: Story, mesh: Mesh, reach: Reach) -> None:
    """Two meshes on one machine share no accounts and do not accept each other's tokens."""
    assert not set(mesh.addresses.values()) & set(story.mesh.addresses.values())
    log_in = {"handle": story.reader.handle, "password": PASSWORD}
    assert (await story.reader.reach.http.post("/sessions", json=log_in)).status_code == 200
    assert (await reach.http.post("/sessions", json=log_in)).status_code == 401
    response = await reach.http.get("/feed", headers=story.reader.headers)
    assert (response.status_code, rest_outcome(response).reason) == (401, "TOKEN_INVALID")


async def test_a_killed_feed_worker_catches_up(story: Story) -> None:
    """Posts made while the feed worker was down reach the feeds."""
    worker = story.mesh.process_of("feed_svc work")
    worker.kill()
    await story.post("while the feed worker was dead")
    await story.comes_back("feed_svc work", worker)
    await story.is_whole()


async def test_a_killed_media_worker_catches_up(story: Story, photo: bytes) -> None:
    """A picture that the killed worker was processing still becomes READY."""
    worker = story.mesh.process_of("media_svc work")
    worker.suspend()
    media_id = await story.author.upload(photo)
    worker.kill()
    assert (await story.author.finished(media_id))["state"] == "MEDIA_STATE_READY"


async def test_a_killed_valkey_loses_no_post(story: Story) -> None:
    """Feeds are complete after a restart of Valkey, including posts made meanwhile."""
    story.mesh.process_of("valkey-server").kill()
    await story.post("while valkey was dead")
    await story.is_whole()


async def test_a_feed_survives_an_outage_of_post_svc(story: Story) -> None:
    """Cached cards are served, and `lensfeed-degraded` says if something may be missing."""
    async with open_redis(story.mesh.redis_url) as redis:

        async def cached() -> int:
            await story.reader.feed()
            with contextlib.suppress(RedisError):
                return int(await redis.llen(f"timeline:{{{story.reader.user_id}}}"))
            return 0

        # Feeds were complete even before the cache was back.
        await eventually(cached, lambda entries: entries > len(story.captions))
    whole = await story.reader.call("GET", "/feed")
    service = story.mesh.process_of("post_svc serve")
    service.suspend()
    try:
        response = await story.reader.send("GET", "/feed?limit=100")
        assert (response.status_code, response.json()["items"]) == (200, whole["items"])
        assert "lensfeed-degraded" not in response.headers
        async with open_redis(story.mesh.redis_url) as redis:
            key = (await redis.keys("card:*"))[0]
            assert isinstance(key, bytes)
            await redis.delete(key)
            # It leaves the process's memory as well.
            await redis.xadd("cards:changed", {"entries": key.removeprefix(b"card:")})
        response = await eventually(
            lambda: story.reader.send("GET", "/feed"), lambda response: "lensfeed-degraded" in response.headers
        )
        assert response.status_code == 200
        assert "etag" not in response.headers
        assert len(response.json()["items"]) == len(whole["items"]) - 1
    finally:
        service.resume()
    await story.is_whole()


async def test_a_feed_of_public_authors_survives_an_outage_of_follow_svc(story: Story) -> None:
    """Without a lease and cards, the feed still shows public authors. `lensfeed-degraded` says that some may be cut off."""
    whole = await story.reader.call("GET", "/feed")
    service = story.mesh.process_of("follow_svc serve")
    service.suspend()
    try:
        async with open_redis(story.mesh.redis_url) as redis:
            for key in [f"ok:{{{story.reader.user_id}}}", *await redis.keys("card:*")]:
                await redis.delete(key)
                if isinstance(key, bytes):
                    # It leaves the process's memory as well.
                    await redis.xadd("cards:changed", {"entries": key.removeprefix(b"card:")})
        response = await eventually(
            lambda: story.reader.send("GET", "/feed"), lambda response: "lensfeed-degraded" in response.headers
        )
        assert (response.status_code, response.json()["items"]) == (200, whole["items"])
    finally:
        service.resume()
    # Cards made meanwhile do not say that their authors are public, and an emptied Redis would not know it either.
    await eventually(
        lambda: story.reader.send("GET", "/feed"), lambda response: "lensfeed-degraded" not in response.headers
    )
    await story.is_whole()


async def test_a_feed_is_complete_while_valkey_hangs(story: Story) -> None:
    """The store answers in place of a hanging cache, well before the deadline."""
    valkey = story.mesh.process_of("valkey-server")
    valkey.suspend()
    try:
        assert await _feed_of_the_service(story) == story.captions[::-1]
    finally:
        valkey.resume()
    await story.is_whole()


async def _feed_of_the_service(story: Story) -> list[str]:
    """Read the feed at the service itself, because the edge soon stops routing to an unhealthy service."""
    async with grpc.aio.insecure_channel(story.mesh.addresses["feed-serve"]) as channel:
        stub = feed_service_pb2_grpc.FeedServiceStub(channel)
        metadata = (("x-user-id", story.reader.user_id),)
        page = await stub.GetFeed(
            feed_service_pb2.GetFeedRequest(limit=100), metadata=metadata, timeout=DEADLINE_SECONDS
        )
    return [item.post.caption for item in page.items]


async def test_an_emptied_valkey_loses_no_post(story: Story) -> None:
    """After FLUSHALL the next read is complete and the next post arrives."""
    async with open_redis(story.mesh.redis_url) as redis:
        await redis.flushall()
    assert await story.reader.feed() == story.captions[::-1]
    await story.post("after valkey was emptied")
    await story.is_whole()


async def test_killed_services_are_unavailable_and_come_back(story: Story) -> None:
    """Callers of a killed service get 503 without internal details, with a retry delay if nothing reached the service."""
    calls = {
        "user_svc": f"/users/{story.author.user_id}",
        "follow_svc": f"/users/{story.author.user_id}/following",
        "post_svc": f"/users/{story.author.user_id}/posts",
        "media_svc": f"/media/{story.photo}",
        "feed_svc": "/feed",
    }
    killed = {service: story.mesh.process_of(f"{service} serve") for service in calls}
    for process in killed.values():
        process.kill()
    for response in await asyncio.gather(*(story.reader.send("GET", path) for path in calls.values())):
        assert response.status_code == 503
        outcome = rest_outcome(response)
        assert (outcome.code, outcome.retry_after) in {(Code.UNAVAILABLE, "1"), (Code.UNAVAILABLE, "")}
        # A service that dies while the call arrives may have served it.
        assert outcome.reason == ("UNAVAILABLE" if outcome.retry_after else "OUTCOME_UNKNOWN")
        assert "127.0.0.1" not in response.text
    for service, path in calls.items():
        await eventually(partial(story.reader.send, "GET", path), lambda response: response.is_success)
        await story.comes_back(f"{service} serve", killed[service])
    await story.post_surely("after every service was killed")
    await story.is_whole()


async def test_a_restarted_mesh_keeps_its_data(store_kind: str, story: Story) -> None:
    """SIGTERM leaves no process, Cassandra included; the next run keeps all data and exits with its command's code."""
    assert (story.mesh.data / "cassandra" / "node1" / "data").is_dir() == (store_kind == "cassandra")
    children = psutil.Process(story.mesh.process.pid).children(recursive=True)
    assert await story.mesh.stop() == 0
    assert processes_of(story.mesh.data) == []
    assert not any(child.is_running() for child in children)
    async with running_mesh(story.mesh.data, store_kind, "--exec", "cat; exit 7", stdin=PIPE) as again:
        async with reached(again) as reach:
            reader = await logged_in(reach, story.reader.handle)
            assert await reader.feed() == story.captions[::-1]
            assert (await reach.http.get("/feed", headers=story.reader.headers)).status_code == 200
            media = (await reader.call("GET", f"/media/{story.photo}"))["media"]
            names = [rendition["url"].partition("/m/")[2] for rendition in media["renditions"]]
            assert [(await reach.http.get(f"/m/{name}")).status_code for name in names] == [200] * len(names)
        assert again.process.stdin is not None
        again.process.stdin.close()
        async with asyncio.timeout(90):
            assert await again.process.wait() == 7
    assert processes_of(story.mesh.data) == []
