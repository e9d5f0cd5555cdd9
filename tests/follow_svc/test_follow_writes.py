"""Following and unfollowing through the public methods."""

import asyncio
import time

import grpc
import pytest
from lensfeed.follow.v1 import follow_service_pb2

from follow_svc.model import MAX_FOLLOWEES
from meshkit.ids import MAX_ID
from tests.errors import reason_of, violations_of
from tests.follow_svc.served_graph import ServedGraph, pair_of, streamed_events


async def test_a_follow_tells_who_whom_and_since_when(served: ServedGraph) -> None:
    """A new follow has both ids and its time."""
    alice, bob = await served.new_users(2)
    before = time.time_ns() // 1_000_000
    follow = await served.follow(alice, bob)
    assert (follow.follower_id, follow.followee_id) == (alice, bob)
    assert before <= follow.created_at.ToMilliseconds() <= time.time_ns() // 1_000_000


async def test_a_repeated_follow_is_the_first_one(served: ServedGraph) -> None:
    """Following twice returns the first follow, counts once and sends one event."""
    alice, bob = await served.new_users(2)
    first = await served.follow(alice, bob)
    await asyncio.sleep(0.002)  # a new follow would have another time
    assert await served.follow(alice, bob) == first
    assert await served.relationship(alice, bob) == (True, False, 1, 0)
    assert len(await served.events_of(alice)) == 1


async def test_concurrent_follows_of_a_pair_are_one(served: ServedGraph) -> None:
    """Many concurrent follows of one pair make one follow."""
    alice, bob = await served.new_users(2)
    follows = await asyncio.gather(*(served.follow(alice, bob) for _ in range(30)))
    assert all(follow == follows[0] for follow in follows)
    assert await served.relationship(alice, bob) == (True, False, 1, 0)
    assert len(await served.events_of(alice)) == 1


async def test_nobody_follows_themselves(served: ServedGraph) -> None:
    """Following oneself is SELF_FOLLOW at followee_id."""
    (alice,) = await served.new_users(1)
    with pytest.raises(grpc.aio.AioRpcError) as refusal:
        await served.follow(alice, alice)
    assert refusal.value.code() == grpc.StatusCode.INVALID_ARGUMENT
    assert reason_of(refusal.value) == "SELF_FOLLOW"
    assert violations_of(refusal.value) == [("followee_id", "SELF_FOLLOW")]


@pytest.mark.parametrize("nobody", [-(2**63), -1, 0, 1, MAX_ID])
async def test_an_unknown_account_cannot_be_followed(served: ServedGraph, nobody: int) -> None:
    """Following an unknown account is USER_NOT_FOUND and leaves no trace."""
    (alice,) = await served.new_users(1)
    with pytest.raises(grpc.aio.AioRpcError) as refusal:
        await served.follow(alice, nobody)
    assert refusal.value.code() == grpc.StatusCode.NOT_FOUND
    assert reason_of(refusal.value) == "USER_NOT_FOUND"
    assert await served.relationship(alice, alice) == (False, False, 0, 0)
    assert await served.events_of(alice) == []


async def test_the_limit_of_followees(served: ServedGraph) -> None:
    """At 7,500 followees a new follow is FOLLOW_LIMIT. A repeat succeeds, and an unfollow makes room."""
    alice, bob, carol = await served.new_users(3)
    await served.write_follows((alice, stranger) for stranger in range(1, MAX_FOLLOWEES))
    await served.follow(alice, bob)
    with pytest.raises(grpc.aio.AioRpcError) as refusal:
        await served.follow(alice, carol)
    assert refusal.value.code() == grpc.StatusCode.FAILED_PRECONDITION
    assert reason_of(refusal.value) == "FOLLOW_LIMIT"
    assert await served.relationship(alice, alice) == (False, False, 0, 7_500)
    await served.follow(alice, bob)
    await served.unfollow(alice, 1)
    await served.follow(alice, carol)
    assert await served.relationship(alice, alice) == (False, False, 0, 7_500)


async def test_an_unfollow_ends_a_follow_once(served: ServedGraph) -> None:
    """Unfollowing twice is no error, counts once and sends one event."""
    alice, bob = await served.new_users(2)
    await served.follow(alice, bob)
    await served.unfollow(alice, bob)
    await served.unfollow(alice, bob)
    assert await served.relationship(alice, bob) == (False, False, 0, 0)
    assert await _told(served, alice) == [("follow_created", bob), ("follow_deleted", bob)]


async def test_a_new_follow_after_an_unfollow_is_told(served: ServedGraph) -> None:
    """Follow, unfollow, follow: three events and one follow with its own time."""
    alice, bob = await served.new_users(2)
    first = await served.follow(alice, bob)
    await served.unfollow(alice, bob)
    await asyncio.sleep(0.002)  # the next follow gets another millisecond
    assert (await served.follow(alice, bob)).created_at.ToMilliseconds() > first.created_at.ToMilliseconds()
    assert await served.relationship(alice, bob) == (True, False, 1, 0)
    assert await _told(served, alice) == [("follow_created", bob), ("follow_created", bob), ("follow_deleted", bob)]


@pytest.mark.parametrize("nobody", [-(2**63), -1, 0, 1, MAX_ID])
async def test_unfollowing_an_unknown_account_is_no_error(served: ServedGraph, nobody: int) -> None:
    """Unfollowing an unknown account succeeds."""
    (alice,) = await served.new_users(1)
    await served.unfollow(alice, nobody)
    await served.unfollow(alice, alice)
    assert await served.events_of(alice) == []


async def test_a_followee_ends_a_follow_once(served: ServedGraph) -> None:
    """Removing a follower twice is no error, counts once and sends one event. The opposite follow stays."""
    alice, bob = await served.new_users(2)
    await served.follow(alice, bob)
    await served.follow(bob, alice)
    await served.remove_follower(bob, alice)
    await served.remove_follower(bob, alice)
    assert await served.relationship(alice, bob) == (False, True, 0, 1)
    assert await _told(served, alice) == [("follow_created", bob), ("follow_deleted", bob)]
    assert await _told(served, bob) == [("follow_created", alice)]


async def test_a_removed_follower_may_follow_again(served: ServedGraph) -> None:
    """A follow after a removal is new, and it counts."""
    alice, bob = await served.new_users(2)
    await served.follow(alice, bob)
    await served.remove_follower(bob, alice)
    await served.follow(alice, bob)
    assert await served.relationship(alice, bob) == (True, False, 1, 0)


async def test_both_sides_end_a_follow_once(served: ServedGraph) -> None:
    """Unfollows and removals of one pair at the same moment end it once."""
    alice, bob = await served.new_users(2)
    await served.follow(alice, bob)
    ends = [served.unfollow(alice, bob) for _ in range(5)] + [served.remove_follower(bob, alice) for _ in range(5)]
    await asyncio.gather(*ends)
    assert await served.relationship(alice, bob) == (False, False, 0, 0)
    assert await _told(served, alice) == [("follow_created", bob), ("follow_deleted", bob)]


@pytest.mark.parametrize("nobody", [-(2**63), -1, 0, 1, MAX_ID])
async def test_removing_somebody_who_does_not_follow_is_no_error(served: ServedGraph, nobody: int) -> None:
    """Removing an unknown account, oneself or a followee succeeds and changes nothing."""
    alice, bob = await served.new_users(2)
    await served.follow(alice, bob)
    for stranger in (nobody, alice, bob):
        await served.remove_follower(alice, stranger)
    assert await served.relationship(alice, bob) == (True, False, 1, 0)


async def test_the_stream_gets_what_changed_and_nothing_else(served: ServedGraph, valkey_url: str) -> None:
    """Repeated and concurrent calls add nothing to the stream but the changes that were made."""
    alice, bob = await served.new_users(2)
    for _ in range(2):
        await asyncio.gather(*(served.follow(alice, bob) for _ in range(10)))
        await asyncio.gather(*(served.unfollow(alice, bob) for _ in range(10)))
    await served.follow(alice, bob)
    written = await served.events_of(alice)
    assert len(written) == 5
    assert await streamed_events(valkey_url, alice, last=written[-1]) == written


async def test_writes_need_a_caller(served: ServedGraph) -> None:
    """Writes without a token are refused."""
    with pytest.raises(grpc.aio.AioRpcError) as refused_follow:
        await served.public.CreateFollow(follow_service_pb2.CreateFollowRequest(followee_id=1))
    with pytest.raises(grpc.aio.AioRpcError) as refused_unfollow:
        await served.public.DeleteFollow(follow_service_pb2.DeleteFollowRequest(followee_id=1))
    with pytest.raises(grpc.aio.AioRpcError) as refused_removal:
        await served.public.RemoveFollower(follow_service_pb2.RemoveFollowerRequest(follower_id=1))
    for refusal in (refused_follow.value, refused_unfollow.value, refused_removal.value):
        assert refusal.code() == grpc.StatusCode.UNAUTHENTICATED
        assert reason_of(refusal) == "TOKEN_MISSING"


async def _told(served: ServedGraph, follower_id: int) -> list[tuple[str, int]]:
    """Return a follower's events, sorted: ids within one millisecond have no order."""
    return sorted(
        (str(event.WhichOneof("payload")), pair_of(event)[1]) for event in await served.events_of(follower_id)
    )
