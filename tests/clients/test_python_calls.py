"""Calls and lists of the Python client: retries, errors, and paging without gaps."""

import asyncio
from pathlib import Path

import grpc
import pytest
from lensfeed.user.v1.user_service_pb2 import GetUserRequest
from lensfeed_client import AsyncLensfeed, AsyncPages, Lensfeed, LensfeedError
from lensfeed_client.calls import open_channel
from lensfeed_client.pages import Page
from lensfeed_client.repeats import OPEN, REPEATS

from edge_proxy.contracts import public_methods, read_descriptors
from tests.blackbox.mesh import Mesh
from tests.blackbox.people import eventually
from tests.clients.python_people import PASSWORD, new_user
from tests.media_svc.pictures import encoded, quarters

METHODS = public_methods(read_descriptors(Path(__file__).parents[2] / "build" / "lensfeed.binpb"))
POSTS = 5


def test_the_client_knows_the_contract() -> None:
    """The client agrees with the contract on which methods need a token and which can be repeated."""
    assert {each.path for each in METHODS if each.is_open} == OPEN
    assert {each.path: each.repeat.name for each in METHODS} == {path: each.name for path, each in REPEATS.items()}


@pytest.mark.parametrize("url", ["", "feed.example", "ftp://feed.example", "http://", "https://feed.example/api"])
async def test_an_invalid_url_is_refused(url: str) -> None:
    """A URL that cannot be a mesh is refused at once and named in the error."""
    with pytest.raises(ValueError, match="not the address of a mesh"):
        open_channel(url)


def test_an_unopened_client_explains_itself() -> None:
    """A call outside of `with` says what to write."""
    with pytest.raises(RuntimeError, match="with Lensfeed"):
        Lensfeed("http://127.0.0.1:8080").whoami()


async def test_paging_continues_after_an_error() -> None:
    """A page that failed to load is requested again, and each item comes once."""
    asked: list[str] = []

    async def read(cursor: str) -> Page[int]:
        asked.append(cursor)
        if len(asked) == 2:
            raise LensfeedError(grpc.StatusCode.UNAVAILABLE, "", "away")
        return {"": Page([1, 2], "a"), "a": Page([], "b"), "b": Page([3], None)}[cursor]

    pages = AsyncPages(read)
    assert [await anext(pages), await anext(pages)] == [1, 2]
    with pytest.raises(LensfeedError):
        await anext(pages)
    assert pages.next_cursor == "a"
    assert [item async for item in pages] == [3]
    assert asked == ["", "a", "a", "b"]
    assert await pages.next_page() == []


@pytest.mark.mesh
async def test_feeds_and_lists_page_to_their_end(mesh: Mesh) -> None:
    """Feeds, posts and follows are paged, and a cursor continues where a reader has stopped."""
    async with AsyncLensfeed(mesh.url) as ada, AsyncLensfeed(mesh.url) as bob:
        author, reader = await new_user(ada, "ada"), await new_user(bob, "bob")
        empty = bob.feed()
        assert (await empty.next_page(), empty.empty_reason, empty.next_cursor) == ([], "FOLLOWS_NOBODY", None)
        await bob.follow(author.user_id)
        media = await ada.upload(encoded(quarters(), "image/jpeg"))
        await ada.wait_until_ready(media.media_id, timeout=60)
        posts = [await ada.post([media.media_id], f"number {number}") for number in range(POSTS)]
        newest_first = [each.post_id for each in reversed(posts)]

        async def seen() -> list[str]:
            return [item.post.post_id async for item in bob.feed(page_size=2)]

        assert await eventually(seen, lambda ids: len(ids) == POSTS) == newest_first
        assert [post.post_id async for post in bob.user_posts(author.user_id, page_size=2)] == newest_first
        first = ada.user_posts(author.user_id, page_size=2)
        page = await first.next_page()
        rest = ada.user_posts(author.user_id, cursor=first.next_cursor)
        assert [post.post_id for post in [*page, *await rest.next_page()]] == newest_first
        assert [user.handle async for user in ada.followers(author.user_id)] == [reader.handle]
        assert [user.handle async for user in ada.following(reader.user_id)] == [author.handle]
        await bob.mute(author.user_id)
        assert [user.handle async for user in bob.mutes()] == [author.handle]
        assert await eventually(seen, lambda ids: not ids) == []  # fan-out takes a moment
        await bob.unmute(author.user_id)
        assert await eventually(seen, lambda ids: len(ids) == POSTS) == newest_first
        await bob.block(author.user_id)
        assert [user.handle async for user in bob.blocks()] == [author.handle]
        assert await eventually(seen, lambda ids: not ids) == []  # fan-out takes a moment
        await bob.unblock(author.user_id)
        await bob.follow(author.user_id)
        assert await eventually(seen, lambda ids: len(ids) == POSTS) == newest_first
        await bob.unfollow(author.user_id)
        assert await eventually(seen, lambda ids: not ids) == []  # fan-out takes a moment
        await bob.follow(author.user_id)
        await eventually(seen, lambda ids: len(ids) == POSTS)
        await ada.remove_follower(reader.user_id)
        assert await eventually(seen, lambda ids: not ids) == []


@pytest.mark.mesh
async def test_the_blocking_client_pages_too(mesh: Mesh) -> None:
    """The blocking client has the same lists and stubs, and threads can share it."""
    async with AsyncLensfeed(mesh.url) as feed:
        author = await new_user(feed, "ada")
        followers = [await _follower(mesh, author.user_id, name) for name in ("bob", "cat", "dan")]

    def use() -> None:
        with Lensfeed(mesh.url) as feed:
            feed.log_in(f"@{author.handle}", PASSWORD)
            pages = feed.followers(author.user_id, page_size=2)
            assert sorted(user.handle for user in pages) == sorted(followers)
            assert (pages.next_cursor, pages.next_page()) == (None, [])
            assert feed.users.GetUser(GetUserRequest(user_id=author.user_id)).user.handle == author.handle
            assert feed.user(author.user_id) == feed.user(f"@{author.handle}") == feed.whoami()
            assert feed.mutes().next_page() == []
            assert feed.blocks().next_page() == []
            feed.log_out()
            feed.log_out()
            assert feed.session is None

    await asyncio.gather(*(asyncio.to_thread(use) for _ in range(2)))


@pytest.mark.mesh
async def test_errors_say_what_is_wrong(mesh: Mesh) -> None:
    """An error has a code, a reason and each invalid field; without a session it says that one is needed."""
    async with AsyncLensfeed(mesh.url) as feed:
        with pytest.raises(LensfeedError) as refusal:
            await feed.whoami()
        assert (refusal.value.code, refusal.value.reason) == (grpc.StatusCode.UNAUTHENTICATED, "TOKEN_MISSING")
        with pytest.raises(LensfeedError) as refusal:
            await feed.get_post("a")
        assert (refusal.value.code, refusal.value.reason) == (grpc.StatusCode.UNAUTHENTICATED, "TOKEN_MISSING")
        await new_user(feed, "ada")
        with pytest.raises(LensfeedError) as refusal:
            await feed.post(["a", "a"], "x" * 3000)
        with pytest.raises(LensfeedError) as absent:
            await feed.get_post("a")
    assert [(each.field, each.reason) for each in refusal.value.violations] == [
        ("caption", "CAPTION_TOO_LONG"),
        ("media_ids", "MEDIA_DUPLICATE"),
    ]
    assert refusal.value.code is grpc.StatusCode.INVALID_ARGUMENT
    assert (absent.value.code, absent.value.reason) == (grpc.StatusCode.NOT_FOUND, "POST_NOT_FOUND")


@pytest.mark.mesh
async def test_a_key_posts_once(mesh: Mesh) -> None:
    """A repeated key returns the same post, and is refused for another post."""
    async with AsyncLensfeed(mesh.url) as feed:
        author = await new_user(feed, "ada")
        media = await feed.upload(encoded(quarters(), "image/jpeg"))
        first, second = [await feed.post([media.media_id], "once", idempotency_key="my key") for _ in range(2)]
        with pytest.raises(LensfeedError) as refusal:
            await feed.post([media.media_id], "twice", idempotency_key="my key")
        await feed.wait_until_ready(media.media_id, timeout=60)
        await feed.delete_post(first.post_id)
        await feed.delete_post(first.post_id)
        assert [post async for post in feed.user_posts(author.user_id)] == []
    assert first.post_id == second.post_id
    assert refusal.value.reason == "IDEMPOTENCY_MISMATCH"


async def _follower(mesh: Mesh, user_id: int, name: str) -> str:
    async with AsyncLensfeed(mesh.url) as feed:
        handle = (await new_user(feed, name)).handle
        await feed.follow(user_id)
        return handle
