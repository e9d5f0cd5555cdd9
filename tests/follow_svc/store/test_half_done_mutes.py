"""Mutes in Cassandra that a process left half done, finished late, or whose answer it lost."""

import asyncio
import time
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from follow_svc.errors import NotFollowingError
from follow_svc.model import Follow, Follower
from follow_svc.store.cassandra import CassandraFollowStore
from meshkit.call import CURRENT, Call
from meshkit.cassandra import Cassandra, UnknownOutcomeError
from meshkit.errors import UnavailableError
from meshkit.events import OutboxRecord
from tests.follow_svc.graph_stores import empty_keyspace, some_event
from tests.follow_svc.store.breaking_cassandra import (
    BATCH,
    MARK,
    DiedError,
    Gate,
    Mishap,
    Send,
    die,
    lose_answer,
    lose_request,
)
from tests.follow_svc.store.test_half_done import FIRST, PLENTY, Graph

MUTED, UNMUTED = Follower(0, 1, is_muted=True), Follower(0, 1)
BOTH = pytest.mark.parametrize("is_mute", [True, False], ids=["mute", "unmute"])


class MutingGraph(Graph):
    """Several processes on one keyspace, which mute and unmute."""

    async def change(
        self, is_mute: bool, records: list[OutboxRecord], store: CassandraFollowStore | None = None
    ) -> bool:
        """Mute or unmute, by another process if one is given."""
        store = store or self.store
        return await (store.mute(1, 2, 50, records) if is_mute else store.unmute(1, 2, records))

    async def begin(self, is_mute: bool) -> None:
        """Create a follow that can be muted, or unmuted."""
        await self.store.add_follow(FIRST, PLENTY, [])
        if not is_mute:
            await self.store.mute(1, 2, 50, [])

    async def change_and_die(self, is_mute: bool) -> OutboxRecord:
        """Start a change in a process that dies after its decision. Returns its event."""
        record = some_event()
        store, _ = self.with_mishap(BATCH, die)
        with pytest.raises(DiedError):
            await self.change(is_mute, [record], store)
        return record

    async def sides(self) -> tuple[bool, Follower]:
        """Return whether the pair is muted, as its follower and its followee tell."""
        [follower] = await self.store.list_followers(2, None, 10)
        return not await self.store.filter_unmuted(1, [2]), follower


@pytest_asyncio.fixture(loop_scope="session")
async def graph(keyspace: Cassandra) -> AsyncIterator[MutingGraph]:
    """Return an empty graph."""
    await empty_keyspace(keyspace)
    graph = MutingGraph(keyspace)
    yield graph
    await graph.store.drain()


@BOTH
@pytest.mark.parametrize("is_late", [False, True])
async def test_a_repeat_completes_what_was_left(graph: MutingGraph, is_mute: bool, is_late: bool) -> None:
    """A change whose process died decides what the follower's lists show. A repeat completes the other side and its event."""
    await graph.begin(is_mute)
    first, repeated = await graph.change_and_die(is_mute), some_event()
    assert await graph.sides() == (is_mute, UNMUTED if is_mute else MUTED)
    if is_late:
        await graph.age()
    assert not await graph.change(is_mute, [repeated])
    assert await graph.sides() == (is_mute, MUTED if is_mute else UNMUTED)
    assert await graph.written([first]) == (not is_late)
    assert await graph.written([repeated]) == is_late


@BOTH
async def test_the_opposite_completes_what_was_left_first(graph: MutingGraph, is_mute: bool) -> None:
    """A change that finds the opposite one half done finishes it, and both write their events."""
    await graph.begin(is_mute)
    first, opposite = await graph.change_and_die(is_mute), some_event()
    assert await graph.change(not is_mute, [opposite])
    assert await graph.sides() == (not is_mute, UNMUTED if is_mute else MUTED)
    assert await graph.written([first, opposite]) == 2


async def test_a_mute_completes_a_follow_that_was_left(graph: MutingGraph) -> None:
    """A mute of a half-done follow finishes the follow first."""
    followed, muted = await graph.follow_and_die(), some_event()
    assert await graph.change(True, [muted])
    assert await graph.sides() == (True, MUTED)
    assert await graph.written([followed, muted]) == 2


@BOTH
async def test_a_repeated_follow_completes_what_was_left(graph: MutingGraph, is_mute: bool) -> None:
    """Following again finishes a half-done change of the mute and keeps what it decided."""
    await graph.begin(is_mute)
    first = await graph.change_and_die(is_mute)
    assert await graph.store.confirm_follow(1, 2, [some_event()]) == Follow(1, 2, 100, is_muted=is_mute)
    assert await graph.sides() == (is_mute, MUTED if is_mute else UNMUTED)
    assert await graph.written([first]) == 1


@BOTH
async def test_an_unfollow_ends_what_was_left(graph: MutingGraph, is_mute: bool) -> None:
    """An unfollow ends a pair whose mute or unmute is half done, and the next follow starts unmuted."""
    await graph.begin(is_mute)
    await graph.change_and_die(is_mute)
    assert await graph.store.remove_follow(1, 2, [])
    assert (await graph.followers(), await graph.counts()) == ([], (0, 0))
    with pytest.raises(NotFollowingError):
        await graph.change(True, [])
    await graph.store.add_follow(FIRST, PLENTY, [])
    assert await graph.sides() == (False, UNMUTED)
    assert await graph.store.list_mutes(1, None, 10) == []


@BOTH
async def test_a_mute_cannot_undo_an_unfollow_that_was_left(graph: MutingGraph, is_mute: bool) -> None:
    """Neither a mute nor an unmute touches a pair whose unfollow is half done."""
    await graph.begin(is_mute)
    await graph.unfollow_and_die()
    if is_mute:
        with pytest.raises(NotFollowingError):
            await graph.change(is_mute, [])
    else:
        assert not await graph.change(is_mute, [])
    assert await graph.store.get_follow(1, 2) is None
    assert not await graph.store.remove_follow(1, 2, [])
    assert await graph.followers() == []


@BOTH
async def test_a_late_change_does_not_undo_the_opposite(graph: MutingGraph, is_mute: bool) -> None:
    """A slow process that finishes its change after the opposite one changes nothing."""
    await graph.begin(is_mute)
    gate = Gate()
    slow, _ = graph.with_mishap(BATCH, gate)
    changing = asyncio.create_task(graph.change(is_mute, [], slow))
    await gate.reached.wait()
    assert await graph.change(not is_mute, [])
    gate.open.set()
    assert await changing
    assert await graph.sides() == (not is_mute, UNMUTED if is_mute else MUTED)


@pytest.mark.parametrize("follows_again", [False, True])
async def test_a_late_mute_does_not_undo_an_unfollow(graph: MutingGraph, follows_again: bool) -> None:
    """A slow process that finishes its mute after an unfollow leaves no follower, and mutes no new follow."""
    await graph.begin(is_mute=True)
    gate = Gate()
    slow, _ = graph.with_mishap(BATCH, gate)
    muting = asyncio.create_task(graph.change(True, [], slow))
    await gate.reached.wait()
    assert await graph.store.remove_follow(1, 2, [])
    if follows_again:
        await graph.store.add_follow(Follow(1, 2, 200), PLENTY, [])
    gate.open.set()
    assert await muting
    assert await graph.store.list_followers(2, None, 10) == [UNMUTED] * follows_again
    assert await graph.counts() == (follows_again, follows_again)
    assert await graph.store.list_mutes(1, None, 10) == []


@BOTH
@pytest.mark.parametrize("mishap", [lose_answer, lose_request])
async def test_a_change_whose_answer_is_lost_is_made_once(graph: MutingGraph, is_mute: bool, mishap: Mishap) -> None:
    """A change whose answer was lost is made and sent as one event, whether or not it was applied."""
    await graph.begin(is_mute)
    record = some_event()
    store, breaking = graph.with_mishap(MARK, mishap)
    assert await graph.change(is_mute, [record], store)
    assert breaking.has_happened
    assert await graph.sides() == (is_mute, MUTED if is_mute else UNMUTED)
    assert await graph.written([record]) == 1


@BOTH
async def test_no_change_begins_after_its_call(graph: MutingGraph, is_mute: bool) -> None:
    """A change whose request was lost is not tried again once its caller has given up."""

    async def lose_slowly(_send: Send) -> None:
        await asyncio.sleep(0.5)
        raise UnknownOutcomeError

    await graph.begin(is_mute)
    store, breaking = graph.with_mishap(MARK, lose_slowly)
    CURRENT.set(Call("r", deadline=time.monotonic() + 0.4))
    with pytest.raises(UnavailableError):
        await graph.change(is_mute, [], store)
    CURRENT.set(Call("r"))
    assert breaking.has_happened
    assert await graph.sides() == (not is_mute, UNMUTED if is_mute else MUTED)
