"""Home feeds: content, order and paging."""

from dataclasses import dataclass

import pytest
import pytest_asyncio
from google.protobuf import json_format
from lensfeed.feed.v1 import feed_service_pb2

from tests.blackbox.mesh import Reach
from tests.blackbox.people import Json, Person, eventually, new_user
from tests.edge_proxy.protocols import FEED_PATH
from tests.protocols import grpc_call, rest_outcome

pytestmark = pytest.mark.mesh

POSTS = 105
"""More than fit on the largest page."""


@dataclass(frozen=True)
class Readership:
    """A reader with a long feed, who also posts, and the feed's posts, newest first."""

    reader: Person
    post_ids: list[str]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def readership(reach: Reach, photo: bytes) -> Readership:
    """Let three authors post in turn for a follower of all three."""
    reader, *authors = [await new_user(reach, "longread") for _ in range(4)]
    media = {person.user_id: await person.upload(photo) for person in (reader, *authors)}
    for person in (reader, *authors):
        await person.finished(media[person.user_id])
    await reader.follow(*authors)
    posted = []
    for number in range(POSTS):
        author = authors[number % len(authors)]
        posted.append(await author.post(f"number {number}", [media[author.user_id]]))
    await reader.post("my own", [media[reader.user_id]])
    await eventually(lambda: post_ids_of(reader, 100), lambda seen: len(seen) == POSTS)
    return Readership(reader, posted[::-1])


async def post_ids_of(reader: Person, limit: int) -> list[str]:
    """Read a whole feed."""
    return [item["post"]["postId"] for page in await reader.pages(limit) for item in page["items"]]


async def refusal_of(reader: Person, query: str) -> tuple[int, str]:
    """Request a page that is refused, and return the HTTP status and the reason."""
    response = await reader.send("GET", f"/feed?{query}")
    return response.status_code, rest_outcome(response).reason


@pytest.mark.parametrize("limit", [1, 7, 100])
async def test_paging_returns_each_post_once(readership: Readership, limit: int) -> None:
    """Pages of any size contain every post of the followees, newest first, and none of the reader's own."""
    assert await post_ids_of(readership.reader, limit) == readership.post_ids


@pytest.mark.parametrize("limit", [1, 7, 100])
async def test_only_the_last_page_has_no_cursor(readership: Readership, limit: int) -> None:
    """All earlier pages are full, and no page of a feed with posts has an empty reason."""
    pages = await readership.reader.pages(limit)
    assert [len(page["items"]) for page in pages[:-1]] == [limit] * (POSTS // limit - (POSTS % limit == 0))
    assert 1 <= len(pages[-1]["items"]) <= limit
    assert not any("emptyReason" in page for page in pages)


@pytest.mark.parametrize(("query", "size"), [("", 20), ("?limit=0", 20), ("?limit=101", 100), ("?limit=5000", 100)])
async def test_a_limit_is_20_by_default_and_100_at_most(readership: Readership, query: str, size: int) -> None:
    """Larger limits are clamped, not refused."""
    assert len((await readership.reader.call("GET", f"/feed{query}"))["items"]) == size


@pytest.mark.parametrize("limit", [1, 20, 100])
async def test_rest_and_grpc_show_the_same_page(readership: Readership, limit: int) -> None:
    """The JSON of a page is that of its message, with the same cursor and the same ETag, compressed or not."""
    reader = readership.reader
    request = feed_service_pb2.GetFeedRequest(limit=limit)
    outcome = await grpc_call(reader.reach, FEED_PATH, request, reader.headers)
    page = feed_service_pb2.GetFeedResponse.FromString(outcome.answer)
    assert len(page.items) == limit
    for encoding in ("identity", "gzip"):
        response = await reader.send("GET", f"/feed?limit={limit}", accept_encoding=encoding)
        assert response.headers["content-type"] == "application/json"
        assert response.headers["etag"] == page.etag
        assert json_format.Parse(response.text, feed_service_pb2.GetFeedResponse()) == page
        assert response.json() == json_format.MessageToDict(page, always_print_fields_with_no_presence=True)


async def test_profiles_page_like_feeds(readership: Readership) -> None:
    """Paging through an author's posts returns each once, newest first."""
    page = await readership.reader.call("GET", "/feed?limit=1")
    author_id = page["items"][0]["author"]["userId"]
    pages = await readership.reader.pages(7, f"/users/{author_id}/posts")
    assert [post["postId"] for page in pages for post in page["posts"]] == readership.post_ids[::3]
    assert all(post["authorId"] == author_id for page in pages for post in page["posts"])


async def test_the_feed_of_someone_who_follows_nobody_says_so(ann: Person, photo: bytes) -> None:
    """Own posts do not count: they are not part of the feed."""
    media_id = await ann.upload(photo)
    await ann.finished(media_id)
    await ann.post("to nobody", [media_id])
    page = await ann.call("GET", "/feed")
    assert (page["items"], page["emptyReason"]) == ([], "EMPTY_REASON_FOLLOWS_NOBODY")


async def test_a_feed_without_posts_says_so(ann: Person, bob: Person) -> None:
    """A feed whose authors have no posts has its own empty reason."""
    await ann.follow(bob)
    page = await ann.call("GET", "/feed")
    assert (page["items"], page["emptyReason"]) == ([], "EMPTY_REASON_NO_POSTS_YET")


async def test_a_follow_shows_old_posts(ann: Person, bob: Person, photo_of_bob: str) -> None:
    """A follow brings earlier posts into a feed, even one that was read before."""
    assert await ann.feed() == []
    for caption in ("oldest", "older"):
        await bob.post(caption, [photo_of_bob])
    await ann.follow(bob)
    await ann.sees("older", "oldest")


async def test_an_unfollow_removes_posts(
    reach: Reach, ann: Person, bob: Person, photo: bytes, photo_of_bob: str
) -> None:
    """An unfollow removes that author's posts and keeps the others'."""
    carol = await new_user(reach, "carol")
    photo_of_carol = await carol.upload(photo)
    await carol.finished(photo_of_carol)
    await ann.follow(bob, carol)
    await bob.post("of bob", [photo_of_bob])
    await carol.post("of carol", [photo_of_carol])
    await ann.sees("of carol", "of bob")
    await ann.call("DELETE", f"/follows/{bob.user_id}")
    await ann.sees("of carol")
    await bob.post("unseen", [photo_of_bob])
    await carol.post("seen", [photo_of_carol])
    await ann.sees("seen", "of carol")
    await ann.follow(bob)
    await ann.sees("seen", "unseen", "of carol", "of bob")


async def test_a_mute_hides_posts_until_it_ends(ann: Person, bob: Person, photo_of_bob: str) -> None:
    """Muting removes an author's posts from the feed alone, unmuting brings back old and new ones, and so does a new follow."""
    await ann.follow(bob)
    await bob.post("old", [photo_of_bob])
    await ann.sees("old")
    await ann.call("POST", "/mutes", {"userId": bob.user_id})
    await ann.sees()
    await bob.post("new", [photo_of_bob])
    page = await ann.call("GET", "/feed")
    assert (page["items"], page["emptyReason"]) == ([], "EMPTY_REASON_NO_POSTS_YET")
    relationship = await ann.call("GET", f"/users/{bob.user_id}/relationship")
    assert (relationship["following"], relationship["muting"]) == (True, True)
    assert [user["userId"] for user in (await ann.call("GET", "/mutes"))["users"]] == [bob.user_id]
    await ann.call("DELETE", f"/mutes/{bob.user_id}")
    await ann.sees("new", "old")
    await ann.call("POST", "/mutes", {"userId": bob.user_id})
    await ann.sees()
    await bob.call("DELETE", f"/followers/{ann.user_id}")
    await ann.follow(bob)
    await ann.sees("new", "old")


async def test_a_removed_follower_loses_the_posts(ann: Person, bob: Person, photo_of_bob: str) -> None:
    """Posts of somebody who removes a follower leave the follower's feed."""
    await ann.follow(bob)
    await bob.post("of bob", [photo_of_bob])
    await ann.sees("of bob")
    await bob.call("DELETE", f"/followers/{ann.user_id}")
    await ann.sees()


async def test_a_deleted_post_disappears(ann: Person, bob: Person, photo_of_bob: str) -> None:
    """A deleted post leaves the feed and the profile and cannot be read; others stay."""
    await ann.follow(bob)
    post_ids = [await bob.post(caption, [photo_of_bob]) for caption in ("one", "two", "three")]
    await ann.sees("three", "two", "one")
    await bob.call("DELETE", f"/posts/{post_ids[1]}")
    await ann.sees("three", "one")
    assert (await ann.send("GET", f"/posts/{post_ids[1]}")).status_code == 404
    profile = (await ann.call("GET", f"/users/{bob.user_id}/posts"))["posts"]
    assert [post["caption"] for post in profile] == ["three", "one"]


async def test_an_unchanged_page_is_not_sent_again(ann: Person, bob: Person, photo_of_bob: str) -> None:
    """With If-None-Match, a feed, a profile and a post are 304 until something in them changes."""
    await ann.follow(bob)
    post_id = await bob.post("one", [photo_of_bob])
    await ann.sees("one")
    paths = ("/feed", f"/users/{bob.user_id}/posts", f"/posts/{post_id}")
    etags = {path: (await ann.send("GET", path)).headers["etag"] for path in paths}
    for path, etag in etags.items():
        response = await ann.send("GET", path, if_none_match=etag)
        assert (response.status_code, response.content, response.headers["etag"]) == (304, b"", etag)
    another = await bob.post("two", [photo_of_bob])
    await ann.sees("two", "one")
    for path in paths[:2]:
        response = await ann.send("GET", path, if_none_match=etags[path])
        assert (response.status_code, response.json()["etag"]) == (200, response.headers["etag"])
    await bob.call("DELETE", f"/posts/{another}")
    await ann.sees("one")
    assert (await ann.send("GET", "/feed", if_none_match=etags["/feed"])).status_code == 304


async def test_deleting_again_is_no_error(bob: Person, photo_of_bob: str) -> None:
    """Deleting an own post again returns the same answer."""
    post_id = await bob.post("gone", [photo_of_bob])
    for _ in range(2):
        assert await bob.call("DELETE", f"/posts/{post_id}") == {}


async def test_a_cursor_outlives_its_post(ann: Person, bob: Person, photo_of_bob: str) -> None:
    """A cursor keeps its position after its post is deleted and newer posts appear."""
    await ann.follow(bob)
    post_ids = [await bob.post(f"{number}", [photo_of_bob]) for number in range(5)]
    await ann.sees("4", "3", "2", "1", "0")
    page = await ann.call("GET", "/feed?limit=2")
    await bob.call("DELETE", f"/posts/{post_ids[3]}")
    await bob.post("5", [photo_of_bob])
    await ann.sees("5", "4", "2", "1", "0")
    rest = await ann.call("GET", f"/feed?cursor={page['nextCursor']}")
    assert [item["post"]["caption"] for item in rest["items"]] == ["2", "1", "0"]
    assert "nextCursor" not in rest


async def test_an_empty_last_page_has_no_reason(ann: Person, bob: Person, photo_of_bob: str) -> None:
    """Only an empty first page has a reason."""
    await ann.follow(bob)
    post_ids = [await bob.post(caption, [photo_of_bob]) for caption in ("low", "high")]
    await ann.sees("high", "low")
    cursor = (await ann.call("GET", "/feed?limit=1"))["nextCursor"]
    await bob.call("DELETE", f"/posts/{post_ids[0]}")
    await ann.sees("high")
    page = await ann.call("GET", f"/feed?cursor={cursor}")
    assert page == {"items": [], "etag": page["etag"]}


async def test_a_cursor_belongs_to_its_viewer(readership: Readership, ann: Person) -> None:
    """Another viewer's cursor is refused, not answered with an empty page."""
    cursor = (await readership.reader.call("GET", "/feed?limit=1"))["nextCursor"]
    assert await refusal_of(ann, f"cursor={cursor}") == (400, "CURSOR_INVALID")


async def test_a_cursor_belongs_to_its_list(readership: Readership) -> None:
    """A profile's cursor is refused by the feed."""
    author_id = (await readership.reader.call("GET", "/feed?limit=1"))["items"][0]["author"]["userId"]
    cursor = (await readership.reader.call("GET", f"/users/{author_id}/posts?limit=1"))["nextCursor"]
    assert await refusal_of(readership.reader, f"cursor={cursor}") == (400, "CURSOR_INVALID")


async def test_an_altered_cursor_is_refused(readership: Readership) -> None:
    """A cursor that is truncated, extended or altered anywhere is refused."""
    cursor: str = (await readership.reader.call("GET", "/feed?limit=1"))["nextCursor"]
    changed = [
        cursor[:place] + ("A" if letter != "A" else "B") + cursor[place + 1 :] for place, letter in letters(cursor)
    ]
    for each in (cursor[:-4], cursor + "AAAA", "garbage", "A" * 600, *changed):
        assert await refusal_of(readership.reader, f"cursor={each}") == (400, "CURSOR_INVALID"), each


def letters(cursor: str) -> list[tuple[int, str]]:
    """Return each position and letter of a cursor except the last, whose lowest bits may be unused."""
    return list(enumerate(cursor))[:-1]


async def test_a_changed_profile_shows_in_feeds(ann: Person, bob: Person, photo_of_bob: str) -> None:
    """A new name and picture appear with all of the author's posts."""
    await ann.follow(bob)
    await bob.post("hello", [photo_of_bob])
    await ann.sees("hello")
    changed = {"displayName": "Robert", "avatarMediaId": photo_of_bob}
    profile: Json = (await bob.call("PATCH", "/users/me", changed))["user"]
    assert (profile["displayName"], bool(profile["avatarUrl"])) == ("Robert", True)

    async def author() -> Json:
        found: Json = (await ann.call("GET", "/feed"))["items"][0]["author"]
        return found

    await eventually(author, lambda shown: shown == profile)


async def test_follows_are_listed_and_counted(ann: Person, bob: Person) -> None:
    """Both sides see a follow at once; repeating it or its end changes nothing."""
    for _ in range(2):
        await ann.follow(bob)
    followers = (await ann.call("GET", f"/users/{bob.user_id}/followers"))["users"]
    following = (await bob.call("GET", f"/users/{ann.user_id}/following"))["users"]
    assert [user["handle"] for user in followers + following] == [ann.handle, bob.handle]
    assert await ann.call("GET", f"/users/{bob.user_id}/relationship") == {
        "following": True,
        "followedBy": False,
        "followerCount": "1",
        "followingCount": "0",
        "muting": False,
        "blocking": False,
        "visibility": "ACCOUNT_VISIBILITY_PUBLIC",
        "requested": False,
        "requestedBy": False,
    }
    for _ in range(2):
        assert await ann.call("DELETE", f"/follows/{bob.user_id}") == {}
    assert (await ann.call("GET", f"/users/{bob.user_id}/relationship"))["followerCount"] == "0"
