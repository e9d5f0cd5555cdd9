"""The public lists of followers and followees, and the relationship of two accounts."""

from collections.abc import Awaitable, Callable
from typing import Any

import grpc
import pytest
from lensfeed.follow.v1 import follow_service_pb2
from lensfeed.user.v1 import user_pb2

from meshkit.ids import MAX_ID
from tests.errors import reason_of, violations_of
from tests.follow_svc.served_graph import ServedGraph, caller

pytestmark = pytest.mark.slow

FOLLOWERS, FOLLOWING = "followers", "following"
BOTH = pytest.mark.parametrize("kind", [FOLLOWERS, FOLLOWING])


async def list_page(
    served: ServedGraph, kind: str, viewer: int, user_id: int, cursor: str = "", limit: int = 0
) -> tuple[list[user_pb2.User], str | None]:
    """Return a page of one of the lists and its cursor, None if absent."""
    response: Any
    if kind == FOLLOWERS:
        followers = follow_service_pb2.ListFollowersRequest(user_id=user_id, cursor=cursor, limit=limit)
        response = await served.public.ListFollowers(followers, metadata=caller(viewer))
    else:
        following = follow_service_pb2.ListFollowingRequest(user_id=user_id, cursor=cursor, limit=limit)
        response = await served.public.ListFollowing(following, metadata=caller(viewer))
    return list(response.users), response.next_cursor if response.HasField("next_cursor") else None


async def walk(served: ServedGraph, kind: str, viewer: int, user_id: int, limit: int) -> list[list[int]]:
    """Return the ids of all pages."""
    pages, cursor = [], ""
    while True:
        users, following_cursor = await list_page(served, kind, viewer, user_id, cursor, limit)
        pages.append([user.user_id for user in users])
        if following_cursor is None:
            return pages
        cursor = following_cursor


def pair(kind: str, user_id: int, member: int) -> tuple[int, int]:
    """Return the (follower, followee) that adds a member to an account's list."""
    return (member, user_id) if kind == FOLLOWERS else (user_id, member)


async def refusal_of(call: Awaitable[Any]) -> grpc.aio.AioRpcError:
    """Return the error of a refused call."""
    with pytest.raises(grpc.aio.AioRpcError) as refusal:
        await call
    return refusal.value


@BOTH
async def test_a_list_gives_whole_accounts_by_ascending_id(served: ServedGraph, kind: str) -> None:
    """Members come as user_svc shows them, sorted by id whatever the order of following."""
    star, *members = await served.new_users(4)
    for member in (members[1], members[2], members[0]):
        await served.follow(*pair(kind, star, member))
    users, cursor = await list_page(served, kind, star, star)
    assert [user.user_id for user in users] == members
    assert all(user.handle.startswith("person") and user.HasField("created_at") for user in users)
    assert cursor is None


@BOTH
@pytest.mark.parametrize("limit", [1, 2, 3, 4])
async def test_pages_end_at_the_proven_end(served: ServedGraph, kind: str, limit: int) -> None:
    """Every member comes once. The last page has no cursor, even if it is full."""
    star, *members = await served.new_users(5)
    for member in members:
        await served.follow(*pair(kind, star, member))
    pages = await walk(served, kind, star, star, limit)
    assert pages == [members[start : start + limit] for start in range(0, 4, limit)]


@BOTH
async def test_an_empty_list_is_its_own_end(served: ServedGraph, kind: str) -> None:
    """An account without followers or followees has one empty page."""
    (loner,) = await served.new_users(1)
    assert await list_page(served, kind, loner, loner) == ([], None)


@BOTH
@pytest.mark.parametrize(("limit", "size"), [(0, 20), (20, 20), (100, 100), (101, 100), (2**31 - 1, 100)])
async def test_limits_are_clamped_and_accounts_that_are_gone_left_out(
    served: ServedGraph, kind: str, limit: int, size: int
) -> None:
    """A page has the requested size, at most 100. A page of deleted accounts is empty but not the end."""
    star, present = await served.new_users(2)
    await served.write_follows(pair(kind, star, gone) for gone in range(1, size + 1))
    await served.follow(*pair(kind, star, present))
    assert await walk(served, kind, star, star, limit) == [[], [present]]


@BOTH
async def test_a_cursor_keeps_its_place_when_its_member_leaves(served: ServedGraph, kind: str) -> None:
    """A walk continues where it was after its last member has left and others have joined."""
    star, early, *members, late = await served.new_users(6)
    for member in members:
        await served.follow(*pair(kind, star, member))
    users, cursor = await list_page(served, kind, star, star, limit=2)
    assert cursor is not None
    assert [user.user_id for user in users] == members[:2]
    await served.unfollow(*pair(kind, star, members[1]))
    await served.follow(*pair(kind, star, early))
    await served.follow(*pair(kind, star, late))
    users, cursor = await list_page(served, kind, star, star, cursor, limit=2)
    assert [user.user_id for user in users] == [members[2], late]
    assert cursor is None


@BOTH
async def test_a_cursor_is_good_for_its_viewer_list_and_account_alone(served: ServedGraph, kind: str) -> None:
    """A cursor of another viewer, account or list is CURSOR_INVALID."""
    star, other, *members = await served.new_users(4)
    for member in members:
        await served.follow(*pair(kind, star, member))
    _, cursor = await list_page(served, kind, star, star, limit=1)
    assert cursor is not None
    foreign_kind = FOLLOWING if kind == FOLLOWERS else FOLLOWERS
    for refused in (
        list_page(served, kind, other, star, cursor),
        list_page(served, kind, star, other, cursor),
        list_page(served, foreign_kind, star, star, cursor),
    ):
        await _check_refused(refused, "cursor", "CURSOR_INVALID")


@BOTH
@pytest.mark.parametrize("cursor", ["x", ".", "AAAA.AAAA", "é", " ", "0", "A" * 512, "A" * 513])
async def test_a_malformed_cursor_is_refused(served: ServedGraph, kind: str, cursor: str) -> None:
    """A malformed cursor is CURSOR_INVALID, never an empty page."""
    (star,) = await served.new_users(1)
    await _check_refused(list_page(served, kind, star, star, cursor), "cursor", "CURSOR_INVALID")


@BOTH
async def test_a_tampered_cursor_is_refused(served: ServedGraph, kind: str) -> None:
    """A cursor with one changed character, in its position or its signature, is CURSOR_INVALID."""
    star, *members = await served.new_users(3)
    for member in members:
        await served.follow(*pair(kind, star, member))
    _, cursor = await list_page(served, kind, star, star, limit=1)
    assert cursor is not None
    # Skip the last character: base64 leaves some of its bits unused, so another may decode to the same signature.
    for index in range(0, len(cursor) - 1, 7):
        changed = cursor[:index] + ("A" if cursor[index] != "A" else "B") + cursor[index + 1 :]
        await _check_refused(list_page(served, kind, star, star, changed), "cursor", "CURSOR_INVALID")


@BOTH
@pytest.mark.parametrize("limit", [-1, -(2**31)])
async def test_a_negative_limit_is_refused(served: ServedGraph, kind: str, limit: int) -> None:
    """A limit below zero is LIMIT_INVALID."""
    (star,) = await served.new_users(1)
    await _check_refused(list_page(served, kind, star, star, limit=limit), "limit", "LIMIT_INVALID")


@BOTH
@pytest.mark.parametrize("nobody", [-1, 0, 1, MAX_ID])
async def test_an_unknown_account_has_no_list(served: ServedGraph, kind: str, nobody: int) -> None:
    """The list of an id without an account is USER_NOT_FOUND, even if follows of that id remain."""
    (viewer,) = await served.new_users(1)
    await served.write_follows([pair(kind, nobody, viewer)])
    error = await refusal_of(list_page(served, kind, viewer, nobody))
    assert (error.code(), reason_of(error)) == (grpc.StatusCode.NOT_FOUND, "USER_NOT_FOUND")


async def test_a_relationship_has_two_directions_and_counts(served: ServedGraph) -> None:
    """Each side sees the pair from its own view. The counts are the other account's."""
    alice, bob, carol = await served.new_users(3)
    assert await served.relationship(alice, bob) == (False, False, 0, 0)
    await served.follow(alice, bob)
    await served.follow(bob, carol)
    assert await served.relationship(alice, bob) == (True, False, 1, 1)
    assert await served.relationship(bob, alice) == (False, True, 0, 1)
    await served.follow(bob, alice)
    assert await served.relationship(alice, bob) == (True, True, 1, 2)
    assert await served.relationship(bob, bob) == (False, False, 1, 2)


@pytest.mark.parametrize("nobody", [-1, 0, 1, MAX_ID])
async def test_there_is_no_relationship_with_an_unknown_account(served: ServedGraph, nobody: int) -> None:
    """The relationship with an unknown account is USER_NOT_FOUND."""
    (viewer,) = await served.new_users(1)
    error = await refusal_of(served.relationship(viewer, nobody))
    assert (error.code(), reason_of(error)) == (grpc.StatusCode.NOT_FOUND, "USER_NOT_FOUND")


READS: list[Callable[[ServedGraph], Awaitable[Any]]] = [
    lambda served: served.public.ListFollowers(follow_service_pb2.ListFollowersRequest(user_id=1)),
    lambda served: served.public.ListFollowing(follow_service_pb2.ListFollowingRequest(user_id=1)),
    lambda served: served.public.GetRelationship(follow_service_pb2.GetRelationshipRequest(user_id=1)),
]


@pytest.mark.parametrize("read", READS)
async def test_reads_need_a_caller(served: ServedGraph, read: Callable[[ServedGraph], Awaitable[Any]]) -> None:
    """Reads without a token are refused."""
    error = await refusal_of(read(served))
    assert (error.code(), reason_of(error)) == (grpc.StatusCode.UNAUTHENTICATED, "TOKEN_MISSING")


async def _check_refused(call: Awaitable[Any], field: str, reason: str) -> None:
    error = await refusal_of(call)
    assert (error.code(), reason_of(error)) == (grpc.StatusCode.INVALID_ARGUMENT, reason)
    assert violations_of(error) == [(field, reason)]
