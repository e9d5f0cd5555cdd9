"""Mutes as the callers of follow_svc see them."""

import asyncio
from typing import Any

import grpc
import pytest
from lensfeed.follow.v1 import follow_service_pb2
from lensfeed.follow.v1.follow_internal_service_pb2 import (
    FilterFollowedRequest,
    GetFollowerCountRequest,
    ListFolloweeIdsRequest,
    ListFollowerIdsRequest,
)

from meshkit.ids import MAX_ID
from tests.errors import reason_of, violations_of
from tests.follow_svc.served_graph import ServedGraph, caller, pair_of, streamed_events
from tests.follow_svc.test_follow_lists import refusal_of

pytestmark = pytest.mark.slow


async def mutes_page(
    served: ServedGraph, viewer: int, cursor: str = "", limit: int = 0
) -> tuple[list[int], str | None]:
    """Return the ids on a page of a viewer's mutes, and its cursor."""
    request = follow_service_pb2.ListMutesRequest(cursor=cursor, limit=limit)
    page = await served.public.ListMutes(request, metadata=caller(viewer))
    return [user.user_id for user in page.users], page.next_cursor if page.HasField("next_cursor") else None


async def is_muting(served: ServedGraph, viewer: int, user_id: int) -> bool:
    """Return what the relationship says."""
    request = follow_service_pb2.GetRelationshipRequest(user_id=user_id)
    return (await served.public.GetRelationship(request, metadata=caller(viewer))).muting


async def feed_lists(served: ServedGraph, follower: int, followee: int) -> tuple[list[int], list[int], list[int]]:
    """Return a follower's followees, the followed one of a pair, and the followee's followers, as feeds get them."""
    followees = await served.internal.ListFolloweeIds(ListFolloweeIdsRequest(user_id=follower))
    followed = await served.internal.FilterFollowed(
        FilterFollowedRequest(follower_id=follower, followee_ids=[followee])
    )
    followers = await served.internal.ListFollowerIds(ListFollowerIdsRequest(user_id=followee))
    return list(followees.followee_ids), list(followed.followee_ids), list(followers.follower_ids)


async def test_a_mute_is_a_follow_for_all_but_feeds(served: ServedGraph) -> None:
    """Only the lists for feeds leave out a mute. Who is muted is not told, and an unmute brings the follow back."""
    alice, bob = await served.new_users(2)
    await served.follow(alice, bob)
    assert await feed_lists(served, alice, bob) == ([bob], [bob], [alice])
    await served.mute(alice, bob)
    assert await feed_lists(served, alice, bob) == ([], [], [])
    assert await served.relationship(alice, bob) == (True, False, 1, 0)
    assert (await is_muting(served, alice, bob), await is_muting(served, bob, alice)) == (True, False)
    counted = await served.internal.GetFollowerCount(GetFollowerCountRequest(user_id=bob))
    assert (counted.follower_count, counted.is_known) == (1, True)
    including = ListFolloweeIdsRequest(user_id=alice, page_size=1, include_muted=True)
    assert list((await served.internal.ListFolloweeIds(including)).followee_ids) == [bob]
    await served.unmute(alice, bob)
    assert await feed_lists(served, alice, bob) == ([bob], [bob], [alice])
    assert not await is_muting(served, alice, bob)


async def test_page_tokens_pass_over_mutes(served: ServedGraph) -> None:
    """Pages of followers may be short, but a walk returns everybody who has not muted the account."""
    star, *fans = await served.new_users(7)
    for fan in fans:
        await served.follow(fan, star)
    muters = [fans[0], fans[1], fans[3], fans[5]]
    for fan in muters:
        await served.mute(fan, star)
    pages, token = [], ""
    while True:
        request = ListFollowerIdsRequest(user_id=star, page_token=token, page_size=2)
        page = await served.internal.ListFollowerIds(request)
        pages.append(list(page.follower_ids))
        token = page.next_page_token
        if not token:
            break
    assert pages == [[], [fans[2]], [fans[4]]]


async def test_a_mute_and_its_end_are_sent_once(served: ServedGraph, valkey_url: str) -> None:
    """Repeated and concurrent calls send one event for each change."""
    alice, bob = await served.new_users(2)
    await served.follow(alice, bob)
    await asyncio.gather(*(served.mute(alice, bob) for _ in range(5)))
    await asyncio.gather(*(served.unmute(alice, bob) for _ in range(5)))
    written = await served.events_of(alice)
    assert sorted((str(event.WhichOneof("payload")), *pair_of(event)) for event in written) == [
        ("follow_created", alice, bob),
        ("follow_muted", alice, bob),
        ("follow_unmuted", alice, bob),
    ]
    assert await streamed_events(valkey_url, alice, last=written[-1]) == written


@pytest.mark.parametrize("nobody", [-(2**63), -1, 0, 1, MAX_ID])
async def test_only_who_is_followed_can_be_muted(served: ServedGraph, nobody: int) -> None:
    """Muting an unknown account, oneself, a follower or who was followed is NOT_FOLLOWING. Unmuting them is no error."""
    alice, bob, carol = await served.new_users(3)
    await served.follow(bob, alice)
    await served.follow(alice, carol)
    await served.remove_follower(carol, alice)
    for stranger in (nobody, alice, bob, carol):
        error = await refusal_of(served.mute(alice, stranger))
        assert (error.code(), reason_of(error)) == (grpc.StatusCode.FAILED_PRECONDITION, "NOT_FOLLOWING")
        await served.unmute(alice, stranger)
    assert await mutes_page(served, alice) == ([], None)


@pytest.mark.parametrize("limit", [1, 2, 3, 4])
async def test_own_mutes_are_listed_latest_first(served: ServedGraph, limit: int) -> None:
    """Pages end at the proven end. A mute that ends with its follow leaves the list."""
    alice, *others = await served.new_users(6)
    for other in others:
        await served.follow(alice, other)
        await served.mute(alice, other)
        await asyncio.sleep(0.002)  # the next mute gets another millisecond
    await served.remove_follower(others.pop(2), alice)
    pages: list[list[int]] = []
    cursor: str | None = ""
    while cursor is not None:
        ids, cursor = await mutes_page(served, alice, cursor, limit)
        pages.append(ids)
    latest_first = others[::-1]
    assert pages == [latest_first[start : start + limit] for start in range(0, 4, limit)]


async def test_a_cursor_of_mutes_is_its_viewers(served: ServedGraph) -> None:
    """A cursor of another viewer or list, and a negative limit, are refused."""
    alice, bob, *others = await served.new_users(4)
    for other in others:
        await served.follow(alice, other)
        await served.mute(alice, other)
    _, cursor = await mutes_page(served, alice, limit=1)
    following = follow_service_pb2.ListFollowingRequest(user_id=alice, limit=1)
    foreign = (await served.public.ListFollowing(following, metadata=caller(alice))).next_cursor
    assert cursor is not None
    refused: list[tuple[Any, str, str]] = [
        (mutes_page(served, bob, cursor), "cursor", "CURSOR_INVALID"),
        (mutes_page(served, alice, foreign), "cursor", "CURSOR_INVALID"),
        (mutes_page(served, alice, "A" * 513), "cursor", "CURSOR_INVALID"),
        (mutes_page(served, alice, limit=-1), "limit", "LIMIT_INVALID"),
    ]
    for call, field, reason in refused:
        error = await refusal_of(call)
        assert violations_of(error) == [(field, reason)]


async def test_mutes_need_a_caller(served: ServedGraph) -> None:
    """Calls without a token are refused."""
    for call in (
        served.public.CreateMute(follow_service_pb2.CreateMuteRequest(user_id=1)),
        served.public.DeleteMute(follow_service_pb2.DeleteMuteRequest(user_id=1)),
        served.public.ListMutes(follow_service_pb2.ListMutesRequest()),
    ):
        error = await refusal_of(call)
        assert (error.code(), reason_of(error)) == (grpc.StatusCode.UNAUTHENTICATED, "TOKEN_MISSING")
