"""The contract of every store of the graph."""

import asyncio
from collections.abc import Iterable
from pathlib import Path

import pytest

from follow_svc.errors import FollowLimitError
from follow_svc.model import AddedFollow, Follow, FollowCounts, Follower
from follow_svc.store.port import FollowStore
from meshkit.ids import MAX_ID
from tests.follow_svc.graph_stores import BUCKET_SIZE, GraphStores, OpenGraph, is_written, some_event, write_follows

PLENTY = 1_000_000
STAR = 77


async def add(store: FollowStore, follower_id: int, followee_id: int, *, created_ms: int = 5) -> AddedFollow:
    """Add a follow without a limit."""
    return await store.add_follow(Follow(follower_id, followee_id, created_ms), PLENTY, [])


async def add_followers(store: FollowStore, follower_ids: Iterable[int]) -> None:
    """Make many accounts follow the star, in this order."""
    for follower_id in follower_ids:
        await add(store, follower_id, STAR)


async def all_followers(store: FollowStore, user_id: int, limit: int) -> list[Follower]:
    """Return all pages of followers."""
    found: list[Follower] = []
    while page := await store.list_followers(user_id, found[-1] if found else None, limit):
        assert len(page) <= limit
        found += page
    return found


async def test_an_added_follow_is_there(graph: OpenGraph) -> None:
    """An added follow can be read from both sides."""
    added = await add(graph.follows, 1, 2, created_ms=1_234_567_890_123)
    assert added == AddedFollow(Follow(1, 2, 1_234_567_890_123), is_new=True)
    assert await graph.follows.get_follow(1, 2) == Follow(1, 2, 1_234_567_890_123)
    assert await graph.follows.list_followees(1, None, 10) == [2]
    assert await graph.follows.list_followers(2, None, 10) == [Follower(0, 1)]


async def test_a_follow_has_a_direction(graph: OpenGraph) -> None:
    """Following somebody does not make them follow back."""
    await add(graph.follows, 1, 2)
    assert await graph.follows.get_follow(2, 1) is None
    assert await graph.follows.list_followees(2, None, 10) == []
    assert await graph.follows.list_followers(1, None, 10) == []


async def test_a_store_knows_nothing_of_an_account_it_never_saw(graph: OpenGraph) -> None:
    """An unknown account has no followees, no followers and no counts."""
    assert await graph.follows.get_follow(1, 2) is None
    assert await graph.follows.get_counts(1) == FollowCounts(0, 0)
    assert await graph.follows.list_followers(1, None, 10) == []
    assert await graph.follows.list_followees(1, None, 10) == []
    assert await graph.follows.filter_unmuted(1, [2]) == set()


async def test_adding_again_returns_the_first_follow(graph: OpenGraph) -> None:
    """Repeating an add changes neither the follow nor the counts, and writes no event."""
    await add(graph.follows, 1, 2, created_ms=100)
    record = some_event()
    again = await graph.follows.add_follow(Follow(1, 2, created_ms=200), PLENTY, [record])
    assert again == AddedFollow(Follow(1, 2, created_ms=100), is_new=False)
    assert await graph.follows.get_counts(1) == FollowCounts(followers=0, following=1)
    assert await graph.follows.get_counts(2) == FollowCounts(followers=1, following=0)
    assert not await is_written(graph.outbox, record)


async def test_concurrent_adds_of_a_pair_are_new_once(graph: OpenGraph) -> None:
    """Of concurrent adds of one pair exactly one is new, and all return it."""
    added = await asyncio.gather(*(add(graph.follows, 1, 2, created_ms=at) for at in range(50)))
    assert [each.is_new for each in added].count(True) == 1
    assert len({each.follow for each in added}) == 1
    assert await graph.follows.get_counts(2) == FollowCounts(followers=1, following=0)


async def test_concurrent_removes_of_a_pair_remove_once(graph: OpenGraph) -> None:
    """Of concurrent removes of one pair exactly one succeeds, and the counts are zero."""
    await add(graph.follows, 1, 2)
    removed = await asyncio.gather(*(graph.follows.remove_follow(1, 2, []) for _ in range(50)))
    assert removed.count(True) == 1
    assert await graph.follows.get_counts(1) == FollowCounts(0, 0)
    assert await graph.follows.get_counts(2) == FollowCounts(0, 0)


async def test_concurrent_follows_and_unfollows_of_a_pair_add_up(graph: OpenGraph) -> None:
    """After concurrent follows and unfollows of a pair, the successful calls add up to the final state."""
    follows = [add(graph.follows, 1, 2, created_ms=at) for at in range(20)]
    unfollows = [graph.follows.remove_follow(1, 2, []) for _ in range(20)]
    added, removed = await asyncio.gather(asyncio.gather(*follows), asyncio.gather(*unfollows))
    standing = [each.is_new for each in added].count(True) - removed.count(True)
    assert standing == (await graph.follows.get_follow(1, 2) is not None)
    assert await graph.follows.get_counts(2) == FollowCounts(followers=standing, following=0)
    assert await graph.follows.list_followers(2, None, 5) == [Follower(0, 1)] * standing
    assert await graph.follows.list_followees(1, None, 5) == [2] * standing


async def test_a_follow_is_confirmed_with_its_first_time_and_no_event(graph: OpenGraph) -> None:
    """Repeating a follow returns the first one and writes no event; confirming an absent one returns nothing."""
    record = some_event()
    assert await graph.follows.confirm_follow(1, 2, [record]) is None
    await add(graph.follows, 1, 2, created_ms=100)
    assert await graph.follows.confirm_follow(1, 2, [record]) == Follow(1, 2, created_ms=100)
    await graph.follows.remove_follow(1, 2, [])
    assert await graph.follows.confirm_follow(1, 2, [record]) is None
    assert not await is_written(graph.outbox, record)


async def test_quick_changes_leave_the_last_one(graph: OpenGraph) -> None:
    """Follows and unfollows within one millisecond take effect in the order of the calls."""
    for _ in range(20):
        await add(graph.follows, 1, 2)
        assert await graph.follows.list_followers(2, None, 5) == [Follower(0, 1)]
        assert await graph.follows.remove_follow(1, 2, [])
        assert await graph.follows.list_followers(2, None, 5) == []


async def test_one_follower_follows_many_at_once(graph: OpenGraph) -> None:
    """Concurrent follows of one account all succeed and are counted."""
    await asyncio.gather(*(add(graph.follows, 1, followee_id) for followee_id in range(10, 60)))
    assert await graph.follows.list_followees(1, None, 100) == list(range(10, 60))
    assert await graph.follows.get_counts(1) == FollowCounts(followers=0, following=50)


async def test_thousands_of_followers_fit_one_page(graph: OpenGraph) -> None:
    """A page may be as large as fan-out asks for, and is full if there are that many followers."""
    count = 5_200
    await write_follows(graph.inside, ((1_000 + number, STAR) for number in range(count)))
    page = await graph.follows.list_followers(STAR, None, 10_001)
    assert page == [Follower(0, 1_000 + number) for number in range(count)]
    assert await graph.follows.list_followers(STAR, page[4_999], 100) == page[5_000:5_100]


async def test_a_follow_goes_on_when_its_caller_leaves(graph: OpenGraph) -> None:
    """A cancelled follow is completed or not made at all: row, count and event together."""
    records = [some_event() for _ in range(20)]
    for followee_id, record in enumerate(records, start=10):
        task = asyncio.create_task(graph.follows.add_follow(Follow(1, followee_id, 5), PLENTY, [record]))
        await asyncio.sleep(0.0005 * (followee_id - 10))
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    # This one waits for all changes of this follower.
    await add(graph.follows, 1, 9)
    for followee_id, record in enumerate(records, start=10):
        is_there = await graph.follows.get_follow(1, followee_id) is not None
        assert await is_written(graph.outbox, record) == is_there
        assert await graph.follows.get_counts(followee_id) == FollowCounts(followers=int(is_there))


async def test_a_follow_and_its_event_are_written_together(graph: OpenGraph) -> None:
    """A new follow and the end of one each write their event."""
    created, deleted = some_event(), some_event()
    await graph.follows.add_follow(Follow(1, 2, 5), PLENTY, [created])
    assert await is_written(graph.outbox, created)
    await graph.follows.remove_follow(1, 2, [deleted])
    assert await is_written(graph.outbox, deleted)


async def test_a_removed_follow_is_gone(graph: OpenGraph) -> None:
    """A removed follow is gone from both sides and from the counts. Others stay."""
    await add(graph.follows, 1, 2)
    await add(graph.follows, 1, 3)
    await add(graph.follows, 4, 2)
    assert await graph.follows.remove_follow(1, 2, [])
    assert await graph.follows.get_follow(1, 2) is None
    assert await graph.follows.list_followees(1, None, 10) == [3]
    assert await graph.follows.list_followers(2, None, 10) == [Follower(0, 4)]
    assert await graph.follows.get_counts(1) == FollowCounts(followers=0, following=1)
    assert await graph.follows.get_counts(2) == FollowCounts(followers=1, following=0)


async def test_removing_what_is_not_there_changes_nothing(graph: OpenGraph) -> None:
    """Removing an absent follow returns False and writes no event."""
    await add(graph.follows, 2, 1)
    record = some_event()
    assert not await graph.follows.remove_follow(1, 2, [record])
    assert not await is_written(graph.outbox, record)
    assert await graph.follows.get_counts(1) == FollowCounts(followers=1, following=0)


async def test_following_again_after_the_end_is_a_new_follow(graph: OpenGraph) -> None:
    """A follow after an unfollow is new, has its own time and counts once."""
    await add(graph.follows, 1, 2, created_ms=100)
    await graph.follows.remove_follow(1, 2, [])
    assert await add(graph.follows, 1, 2, created_ms=200) == AddedFollow(Follow(1, 2, 200), is_new=True)
    assert await graph.follows.get_counts(2) == FollowCounts(followers=1, following=0)


async def test_the_limit_stops_new_follows_alone(graph: OpenGraph) -> None:
    """At the limit new follows are refused without a trace, repeats succeed, and an unfollow makes room."""
    for followee_id in (10, 11, 12):
        await graph.follows.add_follow(Follow(1, followee_id, 5), 3, [])
    record = some_event()
    with pytest.raises(FollowLimitError):
        await graph.follows.add_follow(Follow(1, 13, 5), 3, [record])
    assert not await is_written(graph.outbox, record)
    assert await graph.follows.list_followees(1, None, 10) == [10, 11, 12]
    assert await graph.follows.get_counts(13) == FollowCounts(0, 0)
    assert not (await graph.follows.add_follow(Follow(1, 12, 6), 3, [])).is_new
    await graph.follows.remove_follow(1, 10, [])
    assert (await graph.follows.add_follow(Follow(1, 13, 5), 3, [])).is_new


async def test_the_limit_counts_followees_and_not_followers(graph: OpenGraph) -> None:
    """Followers do not count toward the limit."""
    for follower_id in (10, 11, 12):
        await graph.follows.add_follow(Follow(follower_id, 1, 5), 3, [])
    assert (await graph.follows.add_follow(Follow(1, 10, 5), 3, [])).is_new


async def test_ids_at_the_edges_are_ids(graph: OpenGraph) -> None:
    """The lowest and highest ids can follow, be followed and be listed in order."""
    edges = [0, 1, 2, 2**53, 2**53 + 1, MAX_ID - 1, MAX_ID]
    for edge in edges:
        await add(graph.follows, edge, STAR)
        await add(graph.follows, STAR, edge)
    assert [place.follower_id for place in await all_followers(graph.follows, STAR, 2)] == edges
    assert await graph.follows.list_followees(STAR, None, 100) == edges
    assert await graph.follows.list_followees(STAR, 2**53, 100) == [2**53 + 1, MAX_ID - 1, MAX_ID]
    assert await graph.follows.list_followees(STAR, MAX_ID, 100) == []
    assert await graph.follows.filter_unmuted(STAR, edges) == set(edges)


async def test_followees_come_ascending_in_pages(graph: OpenGraph) -> None:
    """Pages of followees continue after the given id, whether or not it is still there."""
    for followee_id in (50, 10, 40, 20, 30):
        await add(graph.follows, 1, followee_id)
    assert await graph.follows.list_followees(1, None, 2) == [10, 20]
    await graph.follows.remove_follow(1, 20, [])
    assert await graph.follows.list_followees(1, 20, 2) == [30, 40]
    assert await graph.follows.list_followees(1, 40, 2) == [50]


async def test_followers_come_ascending_in_pages(graph: OpenGraph) -> None:
    """Pages of followers continue after the given place, whether or not it is still there."""
    await add_followers(graph.follows, (50, 10, 40, 20, 30))
    first = await graph.follows.list_followers(STAR, None, 2)
    assert [place.follower_id for place in first] == [10, 20]
    await graph.follows.remove_follow(20, STAR, [])
    second = await graph.follows.list_followers(STAR, first[-1], 2)
    assert [place.follower_id for place in second] == [30, 40]


async def test_followed_ones_are_filtered(graph: OpenGraph) -> None:
    """Of a thousand ids, the followed ones are returned."""
    for followee_id in (3, 5, 7, 2_000):
        await add(graph.follows, 1, followee_id)
    await graph.follows.remove_follow(1, 5, [])
    assert await graph.follows.filter_unmuted(1, range(1_000)) == {3, 7}
    assert await graph.follows.filter_unmuted(1, []) == set()


async def test_followers_are_walked_once_each_over_their_buckets(graph: OpenGraph) -> None:
    """Pages cross bucket borders, and a walk returns each follower once, by bucket, then by id."""
    count = 3 * BUCKET_SIZE + 20
    # Multiples of a prime, so that the order of following differs from the order of ids.
    ids = [1 + number * 7_919 % 100_003 for number in range(count)]
    await add_followers(graph.follows, ids)
    walked = await all_followers(graph.follows, STAR, 50)
    assert walked == sorted(Follower(number // BUCKET_SIZE, each) for number, each in enumerate(ids))
    assert {place.bucket for place in walked} == {0, 1, 2, 3}
    assert await graph.follows.get_counts(STAR) == FollowCounts(followers=count, following=0)
    await _check_shrinking(graph.follows, ids)


async def _check_shrinking(store: FollowStore, ids: list[int]) -> None:
    """Once the first buckets are empty, followers in the last bucket are still listed and can unfollow."""
    for follower_id in ids[: 3 * BUCKET_SIZE]:
        assert await store.remove_follow(follower_id, STAR, [])
    stayed = ids[3 * BUCKET_SIZE :]
    assert await all_followers(store, STAR, 7) == [Follower(3, each) for each in sorted(stayed)]
    await add(store, MAX_ID, STAR)
    assert (await all_followers(store, STAR, 7))[0] == Follower(0, MAX_ID)
    assert await store.remove_follow(stayed[0], STAR, [])
    assert await store.get_counts(STAR) == FollowCounts(followers=len(stayed), following=0)


async def test_another_bucket_size_leaves_old_followers_in_place(stores: GraphStores, tmp_path: Path) -> None:
    """A follower keeps its bucket when the bucket size changes, and can still unfollow."""
    await stores.empty()
    async with stores.open(tmp_path, bucket_size=2) as before:
        await add_followers(before.follows, (1, 2, 3))
    async with stores.open(tmp_path, bucket_size=100) as after:
        assert (await all_followers(after.follows, STAR, 2))[-1] == Follower(1, 3)
        assert await after.follows.remove_follow(3, STAR, [])
        assert [place.follower_id for place in await all_followers(after.follows, STAR, 2)] == [1, 2]
