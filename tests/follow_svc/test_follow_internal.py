"""The methods of follow_svc for other services."""

from collections.abc import Awaitable
from typing import Any

import grpc
import pytest
from lensfeed.follow.v1 import follow_internal_service_pb2

from meshkit.ids import new_id
from tests.errors import reason_of, violations_of
from tests.follow_svc.served_graph import ServedGraph

FOLLOWERS, FOLLOWEES = "followers", "followees"
BOTH = pytest.mark.parametrize("kind", [FOLLOWERS, FOLLOWEES])


async def list_ids(
    served: ServedGraph, kind: str, user_id: int, page_token: str = "", page_size: int = 0
) -> tuple[list[int], str]:
    """Return a page of one of the lists and its next token."""
    if kind == FOLLOWERS:
        followers = await served.internal.ListFollowerIds(
            follow_internal_service_pb2.ListFollowerIdsRequest(
                user_id=user_id, page_token=page_token, page_size=page_size
            )
        )
        return list(followers.follower_ids), followers.next_page_token
    followees = await served.internal.ListFolloweeIds(
        follow_internal_service_pb2.ListFolloweeIdsRequest(user_id=user_id, page_token=page_token, page_size=page_size)
    )
    return list(followees.followee_ids), followees.next_page_token


async def walk(served: ServedGraph, kind: str, user_id: int, page_size: int) -> list[list[int]]:
    """Return all pages up to the end."""
    pages, token = [], ""
    while True:
        ids, token = await list_ids(served, kind, user_id, token, page_size)
        pages.append(ids)
        if not token:
            return pages


async def write_members(served: ServedGraph, kind: str, user_id: int, count: int) -> list[int]:
    """Fill a list. Returns the member ids, ascending."""
    members = list(range(1, count + 1))
    await served.write_follows((each, user_id) if kind == FOLLOWERS else (user_id, each) for each in members)
    return members


@BOTH
async def test_pages_of_ids_are_of_the_size_asked_for(served: ServedGraph, kind: str) -> None:
    """Pages have the requested size and contain every member once. A full last page is the end, too."""
    star = new_id()
    members = await write_members(served, kind, star, 2_500)
    for size in (999, 1_250, 2_500, 10_000):
        assert await walk(served, kind, star, size) == [members[at : at + size] for at in range(0, 2_500, size)]


@BOTH
async def test_a_page_of_ids_is_a_thousand_by_default(served: ServedGraph, kind: str) -> None:
    """Page size 0 means 1,000."""
    star = new_id()
    await write_members(served, kind, star, 1_001)
    assert [len(page) for page in await walk(served, kind, star, 0)] == [1_000, 1]


@BOTH
async def test_an_unknown_account_has_no_ids(served: ServedGraph, kind: str) -> None:
    """An unknown account has one empty page."""
    assert await list_ids(served, kind, new_id()) == ([], "")


@BOTH
@pytest.mark.parametrize("token", ["x", "0", "00", "é", "0" * 31, "0" * 48, "g" * 32])
async def test_a_page_token_that_no_page_gave_is_refused(served: ServedGraph, kind: str, token: str) -> None:
    """A malformed page token is INVALID_ARGUMENT at page_token."""
    error = await _refusal_of(list_ids(served, kind, 1, token))
    assert error.code() == grpc.StatusCode.INVALID_ARGUMENT
    assert violations_of(error) == [("page_token", "PAGE_TOKEN_INVALID")]


@BOTH
@pytest.mark.parametrize("size", [-1, 10_001])
async def test_a_page_size_out_of_range_is_refused(served: ServedGraph, kind: str, size: int) -> None:
    """A page size below 0 or above 10,000 is INVALID_ARGUMENT at page_size."""
    error = await _refusal_of(list_ids(served, kind, 1, page_size=size))
    assert error.code() == grpc.StatusCode.INVALID_ARGUMENT
    assert violations_of(error) == [("page_size", "FIELD_INVALID")]


async def test_followed_ids_keep_the_order_asked_for(served: ServedGraph) -> None:
    """The followed ids come back in the order of the request."""
    reader = new_id()
    await served.write_follows([(reader, 30), (reader, 10), (reader, 20), (40, reader)])
    request = follow_internal_service_pb2.FilterFollowedRequest(
        follower_id=reader, followee_ids=[20, 40, 5, 30, reader, 10]
    )
    assert list((await served.internal.FilterFollowed(request)).followee_ids) == [20, 30, 10]


async def test_a_thousand_ids_can_be_asked_for_and_no_more(served: ServedGraph) -> None:
    """One call filters 1,000 ids; 1,001 are refused."""
    reader = new_id()
    await served.write_follows((reader, each) for each in range(1, 2_000, 2))
    ask = follow_internal_service_pb2.FilterFollowedRequest
    found = await served.internal.FilterFollowed(ask(follower_id=reader, followee_ids=range(1, 1_001)))
    assert list(found.followee_ids) == list(range(1, 1_001, 2))
    error = await _refusal_of(served.internal.FilterFollowed(ask(follower_id=reader, followee_ids=range(1_001))))
    assert (error.code(), reason_of(error)) == (grpc.StatusCode.INVALID_ARGUMENT, "FIELD_INVALID")


async def test_followers_are_counted_as_they_come_and_go(served: ServedGraph) -> None:
    """A follow adds one, a repeat nothing, an unfollow removes one. An unknown account has no count."""
    star, *others = await served.new_users(4)
    ask = follow_internal_service_pb2.GetFollowerCountRequest
    for other in (*others, others[0]):
        await served.follow(other, star)
    assert (await served.internal.GetFollowerCount(ask(user_id=star))).follower_count == 3
    await served.unfollow(others[1], star)
    assert (await served.internal.GetFollowerCount(ask(user_id=star))).follower_count == 2
    for other in (others[0], others[2]):
        await served.unfollow(other, star)
    counted = await served.internal.GetFollowerCount(ask(user_id=star))
    assert (counted.follower_count, counted.is_known) == (0, True)
    unknown = await served.internal.GetFollowerCount(ask(user_id=new_id()))
    assert (unknown.follower_count, unknown.is_known) == (0, False)


async def test_the_last_cut_comes_with_the_first_page_of_followees(served: ServedGraph) -> None:
    """It is 0 until the account unfollows somebody. Later pages leave it out."""
    reader, *others = await served.new_users(4)
    for other in others:
        await served.follow(reader, other)
    ask = follow_internal_service_pb2.ListFolloweeIdsRequest
    page = await served.internal.ListFolloweeIds(ask(user_id=reader))
    assert (len(page.followee_ids), page.last_cut, await _last_cut(served, reader)) == (3, 0, 0)
    await served.unfollow(reader, others[0])
    cut = await _last_cut(served, reader)
    assert cut != 0
    page = await served.internal.ListFolloweeIds(ask(user_id=reader, page_size=1))
    assert page.last_cut == cut
    page = await served.internal.ListFolloweeIds(ask(user_id=reader, page_size=1, page_token=page.next_page_token))
    assert (len(page.followee_ids), page.last_cut) == (1, 0)


async def _last_cut(served: ServedGraph, user_id: int) -> int:
    request = follow_internal_service_pb2.GetLastCutRequest(user_id=user_id)
    return int((await served.internal.GetLastCut(request)).last_cut)


async def _refusal_of(call: Awaitable[Any]) -> grpc.aio.AioRpcError:
    with pytest.raises(grpc.aio.AioRpcError) as refusal:
        await call
    return refusal.value
