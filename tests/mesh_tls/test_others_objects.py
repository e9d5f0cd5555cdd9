"""Calls every method that needs a token for another user's resources."""

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
    """The owner's resources."""

    waiting: str
    """A medium without uploaded bytes."""
    waiting_post: str
    """A post that waits for it."""
    post: str
    """A post that everybody sees; there is an older one."""
    follows: str
    """Whom the owner follows."""
    session: str
    """The session that the owner logged in with."""


@dataclass(frozen=True)
class Case:
    """A call by another user, its expected error, and how to check that nothing changed."""

    send: Callable[[Person, Things], Awaitable[httpx.Response]]
    refusal: tuple[int, str]


# How each method relates to other users' resources. Add new methods here or to CASES.
OWN_ONLY = {
    "AcceptFollowRequest": "accepts what the caller was asked for: the path names who asks",
    "DeclineFollowRequest": "ends what the caller was asked for: the path names who asks",
    "ListFollowRequests": "lists what the caller was asked for",
    "UpdatePrivacy": "changes the caller's",
    "CreateFollow": "makes what is the caller's",
    "CreateBlock": "makes what is the caller's",
    "CreateMute": "makes what is the caller's",
    "ChangePassword": "changes the caller's",
    "CreateRecoveryCodes": "makes what is the caller's",
    "DeleteFollow": "undoes what is the caller's: the path names whom the caller follows",
    "DeleteBlock": "undoes what is the caller's: the path names whom the caller blocks",
    "DeleteMute": "undoes what is the caller's: the path names whom the caller mutes",
    "GetCurrentUser": "shows the caller",
    "DeleteSession": "ends the session of the token",
    "EndOtherSessions": "ends what is the caller's",
    "RemoveFollower": "ends a follow of the caller: the path names who follows",
    "ListBlocks": "lists what is the caller's",
    "ListMutes": "lists what is the caller's",
    "ListSessions": "lists what is the caller's",
    "StartUpload": "makes what is the caller's",
}
FOR_EVERYBODY = {"GetUser", "GetUserByHandle", "ListFollowers", "ListFollowing", "GetRelationship", "ListUserPosts"}
CASES = {
    "EndSession": Case(lambda who, its: who.send("DELETE", f"/sessions/{its.session}"), (404, "SESSION_NOT_FOUND")),
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
    session = str((await owner.call("GET", "/sessions"))["sessions"][0]["sessionId"])
    waiting_post, post = await owner.post("waits", [waiting]), await owner.post("for all", [ready])
    return Things(waiting, waiting_post, post, other.user_id, session)


def test_every_method_has_a_case() -> None:
    """Every method that needs a token is in one of the tables here."""
    asking = {rpc.name for rpc in PUBLIC if not rpc.is_open}
    assert asking == {*OWN_ONLY, *FOR_EVERYBODY, *CASES, "GetFeed"}


@pytest.mark.parametrize("method", CASES)
async def test_another_users_resources_look_absent(owner: Person, other: Person, things: Things, method: str) -> None:
    """The error is the one for a missing resource, and the owner's resource is unchanged."""
    response = await CASES[method].send(other, things)
    assert (response.status_code, rest_outcome(response).reason) == CASES[method].refusal
    assert (await owner.call("GET", f"/media/{things.waiting}"))["media"]["state"] == "MEDIA_STATE_AWAITING_UPLOAD"
    assert (await owner.call("GET", f"/posts/{things.waiting_post}"))["post"]["caption"] == "waits"
    assert (await owner.call("GET", f"/posts/{things.post}"))["post"]["caption"] == "for all"


async def test_another_users_cursor_is_refused(owner: Person, other: Person, things: Things) -> None:
    """A cursor is bound to its viewer."""
    await other.follow(owner)
    await other.sees("for all", "older")
    cursor = (await other.call("GET", "/feed?limit=1"))["nextCursor"]
    assert (await other.call("GET", f"/feed?limit=1&cursor={cursor}"))["items"][0]["post"]["caption"] == "older"
    response = await owner.send("GET", f"/feed?cursor={cursor}")
    assert (response.status_code, rest_outcome(response).reason) == (400, "CURSOR_INVALID")


async def test_an_unfollow_ends_only_the_callers_follow(owner: Person, other: Person, things: Things) -> None:
    """Unfollowing an account does not affect other followers of it."""
    await other.call("DELETE", f"/follows/{things.follows}")
    seen = await owner.call("GET", f"/users/{things.follows}/relationship")
    assert seen["following"] is True
