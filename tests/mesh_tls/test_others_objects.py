"""Every method that asks for a token, by somebody whose token is good and whose business it is not."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import httpx
import pytest
import pytest_asyncio

from tests.blackbox.people import Person
from tests.protocols import rest_outcome
from tests.rpcs import PUBLIC

pytestmark = pytest.mark.mesh


@dataclass(frozen=True)
class Things:
    """What the owner has."""

    waiting: str
    """A medium without its bytes."""
    waiting_post: str
    """A post that waits for it."""
    post: str
    """A post that everybody sees; there is an older one."""
    follows: str
    """Whom the owner follows."""


@dataclass(frozen=True)
class Case:
    """Somebody else's try, what it is answered, and how the owner's thing looks afterwards as before."""

    send: Callable[[Person, Things], Awaitable[httpx.Response]]
    refusal: tuple[int, str]


# What a method has to do with others' things. One that is new has to be put here, or into CASES.
OWN_ONLY = {
    "CreateFollow": "makes what is the caller's",
    "DeleteFollow": "undoes what is the caller's: the path names whom the caller follows",
    "DeleteSession": "ends the session of the token",
    "StartUpload": "makes what is the caller's",
}
FOR_EVERYBODY = {"GetUser", "GetUserByHandle", "ListFollowers", "ListFollowing", "GetRelationship", "ListUserPosts"}
CASES = {
    "GetMedia": Case(lambda who, its: who.send("GET", f"/media/{its.waiting}"), (404, "MEDIA_NOT_FOUND")),
    "CompleteUpload": Case(
        lambda who, its: who.send("POST", f"/media/{its.waiting}/complete", {"parts": []}), (404, "MEDIA_NOT_FOUND")
    ),
    "CreatePost": Case(
        lambda who, its: who.send("POST", "/posts", {"caption": "mine", "mediaIds": [its.waiting]}),
        (404, "MEDIA_NOT_FOUND"),
    ),
    "GetPost": Case(lambda who, its: who.send("GET", f"/posts/{its.waiting_post}"), (404, "POST_NOT_FOUND")),
    "DeletePost": Case(lambda who, its: who.send("DELETE", f"/posts/{its.post}"), (404, "POST_NOT_FOUND")),
    "UpdateUser": Case(
        lambda who, its: who.send("PATCH", "/users/me", {"avatarMediaId": its.waiting}), (404, "MEDIA_NOT_FOUND")
    ),
}


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def things(owner: Person, other: Person, photo: bytes) -> Things:
    """Let the owner have one of each."""
    await owner.follow(other)
    ready = await owner.upload(photo)
    assert (await owner.finished(ready))["state"] == "MEDIA_STATE_READY"
    waiting = str((await owner.start_upload(photo))["mediaId"])
    await owner.post("older", [ready])
    return Things(waiting, await owner.post("waits", [waiting]), await owner.post("for all", [ready]), other.user_id)


def test_every_method_is_thought_of() -> None:
    """A method that asks for a token is in one of the tables here."""
    asking = {rpc.name for rpc in PUBLIC if not rpc.is_open}
    assert asking == {*OWN_ONLY, *FOR_EVERYBODY, *CASES, "GetFeed"}


@pytest.mark.parametrize("method", CASES)
async def test_others_things_are_as_if_they_were_not_there(
    owner: Person, other: Person, things: Things, method: str
) -> None:
    """The refusal is the one for what does not exist, and the owner's things stay as they were."""
    response = await CASES[method].send(other, things)
    assert (response.status_code, rest_outcome(response).reason) == CASES[method].refusal
    assert (await owner.call("GET", f"/media/{things.waiting}"))["media"]["state"] == "MEDIA_STATE_AWAITING_UPLOAD"
    assert (await owner.call("GET", f"/posts/{things.waiting_post}"))["post"]["caption"] == "waits"
    assert (await owner.call("GET", f"/posts/{things.post}"))["post"]["caption"] == "for all"


async def test_anothers_cursor_opens_no_feed(owner: Person, other: Person, things: Things) -> None:
    """A cursor is bound to its viewer."""
    await other.follow(owner)
    await other.sees("for all", "older")
    cursor = (await other.call("GET", "/feed?limit=1"))["nextCursor"]
    assert (await other.call("GET", f"/feed?limit=1&cursor={cursor}"))["items"][0]["post"]["caption"] == "older"
    response = await owner.send("GET", f"/feed?cursor={cursor}")
    assert (response.status_code, rest_outcome(response).reason) == (400, "CURSOR_INVALID")


async def test_one_ends_only_ones_own_follow(owner: Person, other: Person, things: Things) -> None:
    """Who unfollows somebody leaves others' follows of the same person alone."""
    await other.call("DELETE", f"/follows/{things.follows}")
    seen = await owner.call("GET", f"/users/{things.follows}/relationship")
    assert seen["following"] is True
