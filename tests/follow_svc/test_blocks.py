"""Blocks as the callers of follow_svc see them."""

import asyncio
from collections.abc import Awaitable
from functools import partial

import grpc
import pytest
import stamina
from lensfeed.follow.v1 import follow_internal_service_pb2, follow_service_pb2

from follow_svc.events import block_created, follow_created
from meshkit.ids import MAX_ID
from tests.errors import reason_of, violations_of
from tests.follow_svc.served_graph import ServedGraph, caller
from tests.follow_svc.test_follow_lists import refusal_of

pytestmark = pytest.mark.slow
Code = grpc.StatusCode
STRANGERS, FOLLOWING = (False, False, 0, 0), (True, False, 1, 0)


async def block(served: ServedGraph, user: int, other: int) -> None:
    """Block."""
    request = follow_service_pb2.CreateBlockRequest(user_id=other)
    await served.public.CreateBlock(request, metadata=caller(user))


async def unblock(served: ServedGraph, user: int, other: int) -> None:
    """Unblock."""
    request = follow_service_pb2.DeleteBlockRequest(user_id=other)
    await served.public.DeleteBlock(request, metadata=caller(user))


async def blocks_page(served: ServedGraph, user: int, cursor: str = "", limit: int = 0) -> tuple[list[int], str]:
    """Return the ids on a page of somebody's blocks, and its cursor."""
    request = follow_service_pb2.ListBlocksRequest(cursor=cursor, limit=limit)
    page = await served.public.ListBlocks(request, metadata=caller(user))
    return [each.user_id for each in page.users], page.next_cursor


async def followers(served: ServedGraph, viewer: int, user: int) -> list[int]:
    """Return the followers of an account as a viewer sees them."""
    request = follow_service_pb2.ListFollowersRequest(user_id=user)
    return [each.user_id for each in (await served.public.ListFollowers(request, metadata=caller(viewer))).users]


async def following(served: ServedGraph, viewer: int, user: int) -> list[int]:
    """Return the followees of an account as a viewer sees them."""
    request = follow_service_pb2.ListFollowingRequest(user_id=user)
    return [each.user_id for each in (await served.public.ListFollowing(request, metadata=caller(viewer))).users]


async def sights(served: ServedGraph, viewer: int, *users: int) -> list[str]:
    """Return what a viewer may see of accounts, as the other services get it."""
    request = follow_internal_service_pb2.GetSightsRequest(viewer_id=viewer, user_ids=users)
    found = (await served.internal.GetSights(request)).sights
    assert [sight.user_id for sight in found] == list(users)
    return [follow_internal_service_pb2.SightKind.Name(sight.kind).removeprefix("SIGHT_KIND_") for sight in found]


async def refusal(call: Awaitable[object]) -> tuple[grpc.StatusCode, str | None]:
    """Return the code and the reason of a refused call."""
    error = await refusal_of(call)
    return error.code(), reason_of(error)


async def test_a_block_ends_both_follows_for_good(served: ServedGraph) -> None:
    """Both follows end, with their mutes and counts. An unblock restores nothing, but both may follow again."""
    alice, bob = await served.new_users(2)
    await asyncio.gather(served.follow(alice, bob), served.follow(bob, alice))
    await served.mute(bob, alice)
    await block(served, alice, bob)
    assert await served.relationship(alice, bob) == STRANGERS
    await unblock(served, alice, bob)
    assert await served.relationship(alice, bob) == await served.relationship(bob, alice) == STRANGERS
    await served.follow(bob, alice)
    assert await served.relationship(bob, alice) == FOLLOWING


async def test_neither_can_follow_the_other(served: ServedGraph) -> None:
    """The blocker learns why. To the blocked account, the blocker does not exist."""
    alice, bob = await served.new_users(2)
    await block(served, alice, bob)
    assert await refusal(served.follow(alice, bob)) == (Code.PERMISSION_DENIED, "USER_BLOCKED")
    assert await refusal(served.follow(bob, alice)) == (Code.NOT_FOUND, "USER_NOT_FOUND")
    assert await refusal(block(served, bob, alice)) == (Code.NOT_FOUND, "USER_NOT_FOUND")


async def test_the_blocked_account_sees_nobody(served: ServedGraph) -> None:
    """Every answer about the blocker equals that about an account that does not exist, to the last byte of the error."""
    alice, bob = await served.new_users(2)
    await block(served, alice, bob)
    calls = served.relationship, partial(followers, served), partial(following, served)
    for call in calls:
        hidden, absent = await refusal_of(call(bob, alice)), await refusal_of(call(bob, MAX_ID))
        assert (hidden.code(), hidden.details()) == (absent.code(), absent.details())
        assert (hidden.code(), reason_of(hidden)) == (Code.NOT_FOUND, "USER_NOT_FOUND")


async def test_a_blocker_sees_the_relationship_only(served: ServedGraph) -> None:
    """GetRelationship returns `blocking`; the lists of the blocked account are USER_BLOCKED."""
    alice, bob = await served.new_users(2)
    await block(served, alice, bob)
    request = follow_service_pb2.GetRelationshipRequest(user_id=bob)
    assert (await served.public.GetRelationship(request, metadata=caller(alice))).blocking
    for call in (followers(served, alice, bob), following(served, alice, bob)):
        assert await refusal(call) == (Code.PERMISSION_DENIED, "USER_BLOCKED")


async def test_lists_of_others_leave_both_out(served: ServedGraph) -> None:
    """Neither of the two finds the other among the followers or followees of a third account. Everybody else does."""
    alice, bob, carol, dave = await served.new_users(4)
    for user in (alice, bob, dave):
        await served.follow(user, carol)
        await served.follow(carol, user)
    await block(served, alice, bob)
    for lists in (followers, following):
        assert await lists(served, alice, carol) == [alice, dave]
        assert await lists(served, bob, carol) == [bob, dave]
        assert await lists(served, carol, carol) == await lists(served, dave, carol) == [alice, bob, dave]


async def test_other_services_learn_who_sees_whom(served: ServedGraph) -> None:
    """GetSights answers in the order of the request. An account that both block is hidden, and everybody sees themselves."""
    alice, bob, carol, dave = await served.new_users(4)
    await asyncio.gather(block(served, alice, bob), block(served, carol, alice))
    assert await sights(served, alice, dave, carol, bob, alice) == ["SEES", "HIDDEN", "BLOCKING", "SEES"]
    assert await sights(served, bob, alice) == ["HIDDEN"]
    assert await sights(served, 0, alice, bob, carol) == ["SEES"] * 3
    request = follow_internal_service_pb2.GetSightsRequest(viewer_id=alice, user_ids=range(201))
    assert (await refusal_of(served.internal.GetSights(request))).code() is Code.INVALID_ARGUMENT


async def test_a_block_refuses_oneself_and_nobody(served: ServedGraph) -> None:
    """Blocking oneself is SELF_BLOCK, an unknown account USER_NOT_FOUND. Unblocking either is no error."""
    [alice] = await served.new_users(1)
    error = await refusal_of(block(served, alice, alice))
    assert violations_of(error) == [("user_id", "SELF_BLOCK")]
    for nobody in (-1, 0, MAX_ID):
        assert await refusal(block(served, alice, nobody)) == (Code.NOT_FOUND, "USER_NOT_FOUND")
        await unblock(served, alice, nobody)
    await unblock(served, alice, alice)


@pytest.mark.parametrize("limit", [1, 2, 3])
async def test_own_blocks_are_listed_latest_first(served: ServedGraph, limit: int) -> None:
    """Pages end at the proven end, repeats keep their place, and a cursor belongs to its viewer."""
    alice, *others = await served.new_users(4)
    for other in others:
        await block(served, alice, other)
        await asyncio.sleep(0.002)  # the next block gets another millisecond
    await block(served, alice, others[0])
    pages, cursor = [], ""
    while True:
        ids, cursor = await blocks_page(served, alice, cursor, limit)
        pages.append(ids)
        if not cursor:
            break
        assert await refusal(blocks_page(served, others[0], cursor)) == (Code.INVALID_ARGUMENT, "CURSOR_INVALID")
    assert pages == [others[::-1][start : start + limit] for start in range(0, 3, limit)]


async def test_a_follow_never_survives_a_block(served: ServedGraph) -> None:
    """Whatever the order of a block and follows at the same moment, none of them stands in the end."""
    for _ in range(10):
        alice, bob = await served.new_users(2)
        follows = [served.follow(*pair) for pair in ((alice, bob), (bob, alice)) for _ in range(3)]
        await asyncio.gather(block(served, alice, bob), *follows, return_exceptions=True)
        await unblock(served, alice, bob)
        assert await served.relationship(alice, bob) == await served.relationship(bob, alice) == STRANGERS


@pytest.mark.parametrize("is_block", [True, False], ids=["block", "follow"])
async def test_an_event_finishes_an_interrupted_change(served: ServedGraph, is_block: bool) -> None:
    """If a process dies between a block and the end of its follows, or after a follow that met a block, the event ends them."""
    alice, bob = await served.new_users(2)
    await served.follow(bob, alice)
    record = block_created(alice, bob) if is_block else follow_created(bob, alice)
    # The store's own write alone, as by a process that dies right after it.
    await served.store.block(alice, bob, 5, 10, [record])
    async for attempt in stamina.retry_context(on=AssertionError, attempts=None, timeout=60, wait_max=0.2):
        with attempt:
            request = follow_internal_service_pb2.FilterFollowedRequest(follower_id=bob, followee_ids=[alice])
            assert not (await served.internal.FilterFollowed(request)).followee_ids


async def test_an_unblock_finishes_an_interrupted_block_first(served: ServedGraph) -> None:
    """If a process dies before a block has ended the follows, they end with the unblock at the latest."""
    alice, bob = await served.new_users(2)
    await served.follow(bob, alice)
    # The store's own write alone, and no event.
    await served.store.block(alice, bob, 5, 10, [])
    await unblock(served, alice, bob)
    request = follow_internal_service_pb2.FilterFollowedRequest(follower_id=bob, followee_ids=[alice])
    assert not (await served.internal.FilterFollowed(request)).followee_ids
