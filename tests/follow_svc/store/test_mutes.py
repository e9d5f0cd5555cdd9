"""The contract of mutes in every store of the graph."""

import asyncio

import pytest

from follow_svc.errors import NotFollowingError
from follow_svc.model import Follow, FollowCounts, Follower, Mute
from follow_svc.store.port import FollowStore
from tests.follow_svc.graph_stores import OpenGraph, is_written, some_event
from tests.follow_svc.store.test_store_contract import PLENTY, add


async def mute(store: FollowStore, follower_id: int, followee_id: int, muted_ms: int = 5) -> bool:
    """Mute without an event."""
    return await store.mute(follower_id, followee_id, muted_ms, [])


async def test_a_mute_leaves_a_follow_out_of_feeds_alone(graph: OpenGraph) -> None:
    """A muted follow stands, is listed and is counted. The lists for feeds leave it out on both sides."""
    store = graph.follows
    for followee_id in (2, 3):
        await add(store, 1, followee_id)
    await add(store, 4, 2)
    assert await mute(store, 1, 2)
    assert await store.get_follow(1, 2) == Follow(1, 2, 5, is_muted=True)
    assert await store.list_followees(1, None, 10) == [2, 3]
    assert await store.list_followers(2, None, 10) == [Follower(0, 1, is_muted=True), Follower(0, 4)]
    assert await store.list_unmuted_followees(1, None, 10) == [3]
    assert await store.filter_unmuted(1, [2, 3]) == {3}
    assert await store.get_counts(1) == FollowCounts(0, 2)
    assert await store.get_counts(2) == FollowCounts(2, 0)


async def test_an_unmute_brings_a_follow_back(graph: OpenGraph) -> None:
    """After an unmute the follow is as before, with its own time."""
    await add(graph.follows, 1, 2)
    await mute(graph.follows, 1, 2)
    assert await graph.follows.unmute(1, 2, [])
    assert await graph.follows.get_follow(1, 2) == Follow(1, 2, 5)
    assert await graph.follows.list_followers(2, None, 10) == [Follower(0, 1)]
    assert await graph.follows.list_unmuted_followees(1, None, 10) == [2]
    assert await graph.follows.filter_unmuted(1, [2]) == {2}
    assert await graph.follows.list_mutes(1, None, 10) == []


async def test_repeats_change_nothing(graph: OpenGraph) -> None:
    """A repeated mute keeps the time of the first, and repeats of both write no event."""
    records = [some_event() for _ in range(4)]
    await add(graph.follows, 1, 2)
    assert await graph.follows.mute(1, 2, 100, records[:1])
    assert not await graph.follows.mute(1, 2, 200, records[1:2])
    assert await graph.follows.list_mutes(1, None, 10) == [Mute(100, 2)]
    assert await graph.follows.unmute(1, 2, records[2:3])
    assert not await graph.follows.unmute(1, 2, records[3:])
    assert [await is_written(graph.outbox, record) for record in records] == [True, False, True, False]


async def test_only_a_follow_can_be_muted(graph: OpenGraph) -> None:
    """Muting without a follow is refused and leaves no trace. Unmuting changes nothing."""
    record = some_event()
    await add(graph.follows, 2, 1)
    with pytest.raises(NotFollowingError):
        await graph.follows.mute(1, 2, 5, [record])
    assert not await graph.follows.unmute(1, 2, [record])
    assert not await is_written(graph.outbox, record)
    assert await graph.follows.get_follow(1, 2) is None
    assert await graph.follows.list_followers(1, None, 10) == [Follower(0, 2)]


async def test_a_mute_ends_with_its_follow(graph: OpenGraph) -> None:
    """A follow that ends takes its mute along, and the next one starts unmuted."""
    await add(graph.follows, 1, 2)
    await mute(graph.follows, 1, 2)
    assert await graph.follows.remove_follow(1, 2, [])
    with pytest.raises(NotFollowingError):
        await mute(graph.follows, 1, 2)
    assert await graph.follows.list_mutes(1, None, 10) == []
    await add(graph.follows, 1, 2, created_ms=9)
    assert await graph.follows.get_follow(1, 2) == Follow(1, 2, 9)
    assert await graph.follows.list_followers(2, None, 10) == [Follower(0, 1)]


async def test_a_repeated_follow_stays_muted(graph: OpenGraph) -> None:
    """Following somebody who is followed and muted changes nothing."""
    await add(graph.follows, 1, 2)
    await mute(graph.follows, 1, 2)
    again = await graph.follows.add_follow(Follow(1, 2, 9), PLENTY, [])
    assert (again.follow, again.is_new) == (Follow(1, 2, 5, is_muted=True), False)
    assert await graph.follows.confirm_follow(1, 2, []) == Follow(1, 2, 5, is_muted=True)


async def test_mutes_are_listed_by_time(graph: OpenGraph) -> None:
    """The latest mute comes first, those of one moment by descending id, and pages continue where the last one ended."""
    times = {2: 30, 3: 10, 4: 20, 5: 20, 6: 40}
    for followee_id, muted_ms in times.items():
        await add(graph.follows, 1, followee_id)
        await mute(graph.follows, 1, followee_id, muted_ms)
    await add(graph.follows, 1, 7)
    await graph.follows.unmute(1, 6, [])
    everything = [Mute(30, 2), Mute(20, 5), Mute(20, 4), Mute(10, 3)]
    assert await graph.follows.list_mutes(1, None, 10) == everything
    for number, each in enumerate(everything):
        assert await graph.follows.list_mutes(1, each, 2) == everything[number + 1 : number + 3]


async def test_unmuted_followees_come_in_full_pages(graph: OpenGraph) -> None:
    """A page passes over muted followees, wherever they are."""
    for followee_id in range(2, 12):
        await add(graph.follows, 1, followee_id)
    for followee_id in (2, 3, 6, 11):
        await mute(graph.follows, 1, followee_id)
    assert await graph.follows.list_unmuted_followees(1, None, 3) == [4, 5, 7]
    assert await graph.follows.list_unmuted_followees(1, 7, 3) == [8, 9, 10]
    assert await graph.follows.list_unmuted_followees(1, 10, 3) == []


async def test_concurrent_changes_of_a_pair_agree(graph: OpenGraph) -> None:
    """After mutes, unmutes, unfollows and follows at the same moment, both sides tell the same."""
    await add(graph.follows, 1, 2)

    async def may_not_follow() -> None:
        try:
            await mute(graph.follows, 1, 2)
        except NotFollowingError:
            return

    for _ in range(5):
        changes = [
            change
            for _ in range(4)
            for change in (
                may_not_follow(),
                graph.follows.unmute(1, 2, []),
                graph.follows.remove_follow(1, 2, []),
                add(graph.follows, 1, 2),
            )
        ]
        await asyncio.gather(*changes)
        follow = await graph.follows.get_follow(1, 2)
        expected = [] if follow is None else [Follower(0, 1, follow.is_muted)]
        assert await graph.follows.list_followers(2, None, 10) == expected
        assert await graph.follows.get_counts(2) == FollowCounts(len(expected), 0)
