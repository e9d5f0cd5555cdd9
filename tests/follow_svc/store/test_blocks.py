"""The contract of blocks in every store of the graph."""

import asyncio

import pytest

from follow_svc.errors import BlockLimitError
from follow_svc.sight import Block, Stance
from follow_svc.store.port import FollowStore
from tests.follow_svc.graph_stores import OpenGraph, is_written, some_event
from tests.follow_svc.store.test_store_contract import PLENTY, add


async def block(store: FollowStore, user_id: int, other_id: int, blocked_ms: int = 5) -> bool:
    """Block without an event."""
    return await store.block(user_id, other_id, blocked_ms, PLENTY, [])


async def test_a_block_is_seen_from_both_sides(graph: OpenGraph) -> None:
    """The blocker blocks, the other one is blocked, and nobody else is concerned."""
    assert await block(graph.follows, 1, 2)
    assert await graph.follows.get_stances(1, [2, 3]) == {2: Stance(blocks=True)}
    assert await graph.follows.get_stances(2, [1, 3]) == {1: Stance(blocked_by=True)}
    assert await graph.follows.get_stances(3, [1, 2]) == {}
    assert await graph.follows.get_stances(1, []) == {}


async def test_two_can_block_each_other(graph: OpenGraph) -> None:
    """The end of one of two blocks leaves the other one."""
    await block(graph.follows, 1, 2)
    await block(graph.follows, 2, 1)
    assert await graph.follows.get_stances(1, [2]) == {2: Stance(blocks=True, blocked_by=True)}
    assert await graph.follows.unblock(1, 2)
    assert await graph.follows.get_stances(1, [2]) == {2: Stance(blocked_by=True)}
    assert await graph.follows.get_stances(2, [1]) == {1: Stance(blocks=True)}


async def test_repeats_change_nothing(graph: OpenGraph) -> None:
    """A repeated block keeps the time of the first and writes no event. A repeated unblock changes nothing."""
    records = [some_event() for _ in range(3)]
    assert await graph.follows.block(1, 2, 100, PLENTY, records[:1])
    assert not await graph.follows.block(1, 2, 200, PLENTY, records[1:2])
    assert await graph.follows.list_blocks(1, None, 10) == [Block(100, 2)]
    assert await graph.follows.unblock(1, 2)
    assert not await graph.follows.unblock(1, 2)
    assert await graph.follows.block(1, 2, 300, PLENTY, records[2:])
    assert await graph.follows.list_blocks(1, None, 10) == [Block(300, 2)]
    assert [await is_written(graph.outbox, record) for record in records] == [True, False, True]


async def test_only_the_blocker_ends_a_block(graph: OpenGraph) -> None:
    """An unblock by the blocked account changes nothing."""
    await block(graph.follows, 1, 2)
    assert not await graph.follows.unblock(2, 1)
    assert await graph.follows.get_stances(2, [1]) == {1: Stance(blocked_by=True)}


async def test_blocks_are_listed_by_time(graph: OpenGraph) -> None:
    """The latest block comes first, those of one moment by descending id. Pages continue, and blocks by others are not listed."""
    for other_id, blocked_ms in {2: 30, 3: 10, 4: 20, 5: 20, 6: 40}.items():
        await block(graph.follows, 1, other_id, blocked_ms)
    await block(graph.follows, 7, 1)
    await graph.follows.unblock(1, 6)
    everything = [Block(30, 2), Block(20, 5), Block(20, 4), Block(10, 3)]
    assert await graph.follows.list_blocks(1, None, 10) == everything
    for number, each in enumerate(everything):
        assert await graph.follows.list_blocks(1, each, 2) == everything[number + 1 : number + 3]


async def test_blocks_have_a_limit(graph: OpenGraph) -> None:
    """At the limit a new block is refused and leaves no trace. A repeat succeeds, and an unblock makes room."""
    record = some_event()
    for other_id in (2, 3):
        await graph.follows.block(1, other_id, 5, 2, [])
    with pytest.raises(BlockLimitError):
        await graph.follows.block(1, 4, 5, 2, [record])
    assert not await is_written(graph.outbox, record)
    assert await graph.follows.get_stances(1, [4]) == {}
    assert not await graph.follows.block(1, 3, 5, 2, [])
    await graph.follows.unblock(1, 2)
    assert await graph.follows.block(1, 4, 5, 2, [])


async def test_both_sides_agree_after_a_race(graph: OpenGraph) -> None:
    """After blocks and unblocks at the same moment both sides tell the same."""
    for _ in range(5):
        changes = [change for _ in range(4) for change in (block(graph.follows, 1, 2), graph.follows.unblock(1, 2))]
        await asyncio.gather(*changes)
        blocker, blocked = await graph.follows.get_stances(1, [2]), await graph.follows.get_stances(2, [1])
        assert blocker.get(2, Stance()).blocks == blocked.get(1, Stance()).blocked_by


async def test_muted_followees_are_followees(graph: OpenGraph) -> None:
    """A filter of followees keeps those that are muted."""
    for followee_id in (2, 3):
        await add(graph.follows, 1, followee_id)
    await graph.follows.mute(1, 2, 5, [])
    assert await graph.follows.filter_followees(1, [2, 3, 4]) == {2, 3}


async def test_an_unknown_account_is_public_and_open(graph: OpenGraph) -> None:
    """The store has no row for accounts of which it never heard."""
    assert await graph.follows.get_standings([1, 2]) == {}
