"""Home feeds: what is in them, and in which order one can walk them."""

from dataclasses import dataclass

import pytest
import pytest_asyncio

from tests.blackbox.mesh import Reach
from tests.blackbox.people import Json, Person, eventually, newcomer
from tests.protocols import rest_outcome

pytestmark = pytest.mark.mesh

POSTS = 105
"""More than the largest page has."""


@dataclass(frozen=True)
class Readership:
    """A reader with a long feed, who posts too, and the posts in it, newest first."""

    reader: Person
    post_ids: list[str]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def readership(reach: Reach, photo: bytes) -> Readership:
    """Let three authors post in turn for somebody who follows all of them."""
    reader, *authors = [await newcomer(reach, "longread") for _ in range(4)]
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
    """Walk a feed to its end."""
    return [item["post"]["postId"] for page in await reader.pages(limit) for item in page["items"]]


async def refusal_of(reader: Person, query: str) -> tuple[int, str]:
    """Ask for a page that is refused: HTTP status and reason."""
    response = await reader.send("GET", f"/feed?{query}")
    return response.status_code, rest_outcome(response).reason


@pytest.mark.parametrize("limit", [1, 7, 100])
async def test_walking_gives_each_post_once(readership: Readership, limit: int) -> None:
    """Pages of any size add up to every post of the followed, newest first, and none of one's own."""
    assert await post_ids_of(readership.reader, limit) == readership.post_ids


@pytest.mark.parametrize("limit", [1, 7, 100])
async def test_only_the_last_page_has_no_cursor(readership: Readership, limit: int) -> None:
    """Every page before it is full, and no page of a feed with posts names a reason to be empty."""
    pages = await readership.reader.pages(limit)
    assert [len(page["items"]) for page in pages[:-1]] == [limit] * (POSTS // limit - (POSTS % limit == 0))
    assert 1 <= len(pages[-1]["items"]) <= limit
    assert not any("emptyReason" in page for page in pages)


@pytest.mark.parametrize(("query", "size"), [("", 20), ("?limit=0", 20), ("?limit=101", 100), ("?limit=5000", 100)])
async def test_a_limit_is_20_by_default_and_100_at_most(readership: Readership, query: str, size: int) -> None:
    """What is above is clamped, not refused."""
    assert len((await readership.reader.call("GET", f"/feed{query}"))["items"]) == size


async def test_profiles_page_as_feeds_do(readership: Readership) -> None:
    """An author's posts are walked to the end, each once, newest first."""
    page = await readership.reader.call("GET", "/feed?limit=1")
    author_id = page["items"][0]["author"]["userId"]
    pages = await readership.reader.pages(7, f"/users/{author_id}/posts")
    assert [post["postId"] for page in pages for post in page["posts"]] == readership.post_ids[::3]
    assert all(post["authorId"] == author_id for page in pages for post in page["posts"])


async def test_who_follows_nobody_is_told_so(ann: Person, photo: bytes) -> None:
    """Also who posts: one's own posts are no feed."""
    media_id = await ann.upload(photo)
    await ann.finished(media_id)
    await ann.post("to nobody", [media_id])
    assert await ann.call("GET", "/feed") == {"items": [], "emptyReason": "EMPTY_REASON_FOLLOWS_NOBODY"}


async def test_who_follows_the_silent_is_told_so(ann: Person, bob: Person) -> None:
    """There is nothing to see yet, for another reason."""
    await ann.follow(bob)
    assert await ann.call("GET", "/feed") == {"items": [], "emptyReason": "EMPTY_REASON_NO_POSTS_YET"}


async def test_a_follow_shows_old_posts(ann: Person, bob: Person, photo_of_bob: str) -> None:
    """What was posted before the follow is in the feed, in a feed that was read before too."""
    assert await ann.feed() == []
    for caption in ("oldest", "older"):
        await bob.post(caption, [photo_of_bob])
    await ann.follow(bob)
    await ann.sees("older", "oldest")


async def test_an_unfollow_takes_posts_away(
    reach: Reach, ann: Person, bob: Person, photo: bytes, photo_of_bob: str
) -> None:
    """The posts of whom one follows no longer vanish, those of others stay."""
    carol = await newcomer(reach, "carol")
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


async def test_a_deleted_post_vanishes(ann: Person, bob: Person, photo_of_bob: str) -> None:
    """From the feed, the profile and by its id; the others stay."""
    await ann.follow(bob)
    post_ids = [await bob.post(caption, [photo_of_bob]) for caption in ("one", "two", "three")]
    await ann.sees("three", "two", "one")
    await bob.call("DELETE", f"/posts/{post_ids[1]}")
    await ann.sees("three", "one")
    assert (await ann.send("GET", f"/posts/{post_ids[1]}")).status_code == 404
    profile = (await ann.call("GET", f"/users/{bob.user_id}/posts"))["posts"]
    assert [post["caption"] for post in profile] == ["three", "one"]


async def test_deleting_again_is_no_error(bob: Person, photo_of_bob: str) -> None:
    """A repeated delete of one's own post says the same as the first."""
    post_id = await bob.post("gone", [photo_of_bob])
    for _ in range(2):
        assert await bob.call("DELETE", f"/posts/{post_id}") == {}


async def test_a_cursor_outlives_its_post(ann: Person, bob: Person, photo_of_bob: str) -> None:
    """A page goes on where the last one ended, though the post at its end is deleted and others came on top."""
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


async def test_a_page_below_everything_is_just_empty(ann: Person, bob: Person, photo_of_bob: str) -> None:
    """Only a first page has a reason to be empty."""
    await ann.follow(bob)
    post_ids = [await bob.post(caption, [photo_of_bob]) for caption in ("low", "high")]
    await ann.sees("high", "low")
    cursor = (await ann.call("GET", "/feed?limit=1"))["nextCursor"]
    await bob.call("DELETE", f"/posts/{post_ids[0]}")
    await ann.sees("high")
    assert await ann.call("GET", f"/feed?cursor={cursor}") == {"items": []}


async def test_a_cursor_is_its_viewers_own(readership: Readership, ann: Person) -> None:
    """That of another is refused, not answered with an empty page."""
    cursor = (await readership.reader.call("GET", "/feed?limit=1"))["nextCursor"]
    assert await refusal_of(ann, f"cursor={cursor}") == (400, "CURSOR_INVALID")


async def test_a_cursor_is_its_lists_own(readership: Readership) -> None:
    """A profile's cursor is none of the feed."""
    author_id = (await readership.reader.call("GET", "/feed?limit=1"))["items"][0]["author"]["userId"]
    cursor = (await readership.reader.call("GET", f"/users/{author_id}/posts?limit=1"))["nextCursor"]
    assert await refusal_of(readership.reader, f"cursor={cursor}") == (400, "CURSOR_INVALID")


async def test_an_altered_cursor_is_refused(readership: Readership) -> None:
    """Cut short, lengthened, or with another letter anywhere."""
    cursor: str = (await readership.reader.call("GET", "/feed?limit=1"))["nextCursor"]
    changed = [
        cursor[:place] + ("A" if letter != "A" else "B") + cursor[place + 1 :] for place, letter in letters(cursor)
    ]
    for each in (cursor[:-4], cursor + "AAAA", "garbage", "A" * 600, *changed):
        assert await refusal_of(readership.reader, f"cursor={each}") == (400, "CURSOR_INVALID"), each


def letters(cursor: str) -> list[tuple[int, str]]:
    """List the places of a cursor and what stands there, but for the last, whose lowest bits may mean nothing."""
    return list(enumerate(cursor))[:-1]


async def test_a_changed_profile_shows_in_feeds(ann: Person, bob: Person, photo_of_bob: str) -> None:
    """A new name and picture stand beside the author's posts, old ones too."""
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
    }
    for _ in range(2):
        assert await ann.call("DELETE", f"/follows/{bob.user_id}") == {}
    assert (await ann.call("GET", f"/users/{bob.user_id}/relationship"))["followerCount"] == "0"
