"""ListUserPosts through the public method."""

import base64
import itertools

import grpc
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lensfeed.media.v1 import media_pb2
from lensfeed.post.v1 import post_pb2

from meshkit.cursors import Cursors
from meshkit.ids import PublicId, new_id
from post_svc.list_user_posts import CURSOR_KIND
from post_svc.model import PublishedPost
from tests.errors import reason_of, violations_of
from tests.post_svc.clients import App, some_user
from tests.post_svc.media_peer import PROCESSING, READY, MediaPeer
from tests.post_svc.post_stores import OpenStore

pytestmark = pytest.mark.slow


async def _publish(beside: OpenStore, author_id: int, places: list[int]) -> None:
    """Publish posts at given places, as a worker does. Their captions are their places."""
    for place in places:
        waited = PublicId(new_id(), author_id)
        assert await beside.posts.publish(PublishedPost(waited, place, str(place), b""), [])


async def test_unknown_user_has_no_posts(app: App) -> None:
    """An unknown account has an empty list without a next page."""
    page = await app.page(some_user(), some_user())
    assert list(page.posts) == []
    assert not page.HasField("next_cursor")


@pytest.mark.parametrize("user_id", [0, -1, -(2**63), 2**63 - 1])
async def test_any_number_is_a_user(app: App, user_id: int) -> None:
    """Ids at the edges of 64 bits have an empty list, too."""
    assert list((await app.page(some_user(), user_id)).posts) == []


async def test_posts_are_listed_by_publication(app: App, peer: MediaPeer) -> None:
    """A post that waited is listed where it was published. A waiting one is in nobody's list, not even its author's."""
    author = some_user()
    medium = peer.add(author, PROCESSING)
    waited = await app.create(author, [medium], "waited", key="k")
    await app.create(author, [peer.add(author, PROCESSING)], "waits")
    first = await app.create(author, [peer.add(author)], "first")
    peer.move(medium, READY)
    waited = await app.create(author, [medium], "waited", key="k")
    for viewer in (author, some_user()):
        assert await app.walk(viewer, author) == [waited, first]


async def test_page_sizes(app: App, beside: OpenStore) -> None:
    """A page has 20 posts by default and at most 100. It has a cursor only if more follow."""
    author = some_user()
    await _publish(beside, author, list(range(1, 111)))
    sizes = {limit: len((await app.page(1, author, limit=limit)).posts) for limit in (0, 1, 99, 100, 101, 2**31 - 1)}
    assert sizes == {0: 20, 1: 1, 99: 99, 100: 100, 101: 100, 2**31 - 1: 100}
    first = await app.page(1, author, limit=100)
    assert first.HasField("next_cursor")
    second = await app.page(1, author, first.next_cursor, limit=10)
    assert len(second.posts) == 10
    assert not second.HasField("next_cursor")


async def test_large_page_ends_early(app: App, beside: OpenStore) -> None:
    """A page has at most 256 KiB of media, or one post. The next one continues there."""
    author = some_user()
    for place, size in enumerate((10, 100_000, 100_000, 100_000, 300_000, 10, 10), 1):
        manifest = post_pb2.Post(media=[media_pb2.Media(media_id="m", alt_text="a" * size)]).SerializeToString()
        assert await beside.posts.publish(PublishedPost(PublicId(new_id(), author), place, str(place), manifest), [])
    pages: list[list[str]] = []
    cursor = ""
    while not pages or cursor:
        page = await app.page(1, author, cursor=cursor, limit=100)
        pages.append([post.caption for post in page.posts])
        cursor = page.next_cursor
    assert pages == [["7", "6"], ["5"], ["4", "3"], ["2", "1"]]


async def test_negative_limit_is_refused(app: App) -> None:
    """A negative limit is refused."""
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await app.page(some_user(), some_user(), limit=-1)
    assert (refused.value.code(), reason_of(refused.value)) == (grpc.StatusCode.INVALID_ARGUMENT, "LIMIT_INVALID")
    assert violations_of(refused.value) == [("limit", "LIMIT_INVALID")]


async def _first_cursor(app: App, beside: OpenStore, viewer_id: int, author_id: int) -> str:
    await _publish(beside, author_id, [new_id() for _ in range(3)])
    return (await app.page(viewer_id, author_id, limit=1)).next_cursor


@pytest.mark.parametrize("change", ["viewer", "author", "a byte", "cut", "nonsense", "long", "accents", "list", "key"])
async def test_cursor_of_something_else_is_refused(app: App, beside: OpenStore, change: str) -> None:
    """A cursor is bound to its viewer and its author's list. Anything else is refused, never an empty page."""
    viewer, author = some_user(), some_user()
    cursor = await _first_cursor(app, beside, viewer, author)
    position = base64.urlsafe_b64decode(cursor.partition(".")[0] + "==")[9:]
    other = some_user()
    calls = {
        "viewer": (other, author, cursor),
        "author": (viewer, other, cursor),
        "a byte": (viewer, author, ("B" if cursor[3] != "B" else "C").join((cursor[:3], cursor[4:]))),
        "cut": (viewer, author, cursor[:-1]),
        "nonsense": (viewer, author, "MTIz"),
        "long": (viewer, author, cursor + "A" * 513),
        "accents": (viewer, author, "ü" + cursor),
        "list": (viewer, author, Cursors(["a key of the tests"], "followers").encode(viewer, position)),
        "key": (viewer, author, Cursors(["another key"], CURSOR_KIND).encode(viewer, position)),
    }
    viewer_id, author_id, wrong = calls[change]
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await app.page(viewer_id, author_id, wrong)
    assert (refused.value.code(), reason_of(refused.value)) == (grpc.StatusCode.INVALID_ARGUMENT, "CURSOR_INVALID")
    assert violations_of(refused.value) == [("cursor", "CURSOR_INVALID")]


async def test_cursor_keeps_its_place(app: App, peer: MediaPeer, beside: OpenStore) -> None:
    """New posts do not move a cursor, nor does the deletion of the post it came from."""
    author = some_user()
    posts = [await app.create(author, [peer.add(author)], str(number)) for number in range(5)][::-1]
    by_place = sorted(posts, key=lambda post: PublicId.parse(post.post_id).local, reverse=True)
    first = await app.page(author, author, limit=2)
    await app.create(author, [peer.add(author)], "new")
    await app.delete(author, by_place[1].post_id)
    second = await app.page(author, author, first.next_cursor, limit=10)
    assert list(second.posts) == by_place[2:]


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    places=st.sets(st.integers(1, 2**63 - 2), max_size=40).map(list),
    limit=st.integers(1, 15),
    gone=st.sets(st.integers(0, 39)),
)
async def test_walk_is_the_sorted_list(
    app: App, beside: OpenStore, places: list[int], limit: int, gone: set[int]
) -> None:
    """After any publications and deletions, a walk returns each post once, newest first."""
    author = some_user()
    ids = {place: PublicId(new_id(), author) for place in places}
    for place, post in ids.items():
        await beside.posts.publish(PublishedPost(post, place, str(place), b""), [])
    deleted = {place for number, place in enumerate(places) if number in gone}
    for place in deleted:
        await beside.posts.delete(ids[place], place, 1, [])
    walked = await app.walk(some_user(), author, limit)
    assert [int(post.caption) for post in walked] == sorted(set(places) - deleted, reverse=True)


async def test_walk_while_others_write_gives_each_post_once(app: App, beside: OpenStore) -> None:
    """A walk returns every post that stays exactly once, even if others are published or deleted between pages."""
    author = some_user()
    places = list(range(1000, 1060))
    await _publish(beside, author, places)
    met: list[int] = []
    cursor = ""
    for number in itertools.count(2000):
        page = await app.page(1, author, cursor, limit=7)
        met += [int(post.caption) for post in page.posts]
        await _publish(beside, author, [number])
        await app.delete(author, page.posts[0].post_id)
        if not page.HasField("next_cursor"):
            break
        cursor = page.next_cursor
    assert met == sorted(places, reverse=True)
