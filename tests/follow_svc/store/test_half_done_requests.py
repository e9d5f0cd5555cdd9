"""Requests in Cassandra that a process left half done, finished late, or that met a change of the followee's visibility.

Each test interrupts one process at a step, changes the visibility, and looks at what every way to finish it leaves.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
import pytest_asyncio

from follow_svc.model import Follow, FollowCounts, Follower, FollowState
from follow_svc.privacy.accept_pending import AcceptPending
from follow_svc.recount import Recount
from follow_svc.sight import Visibility
from follow_svc.store.cassandra_recount import CassandraRecountStore
from meshkit.cassandra import Cassandra
from meshkit.events import OutboxRecord
from tests.follow_svc.graph_stores import empty_keyspace, some_event
from tests.follow_svc.store.breaking_cassandra import (
    ACCEPT,
    BATCH,
    BEGIN,
    CANCEL,
    DELETE,
    REQUEST,
    TURN,
    DiedError,
    Gate,
    Mishap,
    Send,
    die,
    lose_answer,
    lose_request,
)
from tests.follow_svc.store.test_half_done import PLENTY, Graph
from tests.follow_svc.store.test_requests import assert_no_trace, make_private, make_public

LOST = pytest.mark.parametrize("mishap", [lose_answer, lose_request])
FOLLOWING, REQUESTED = FollowState.FOLLOWING, FollowState.REQUESTED


class Silent:
    """Sends no event."""

    def send_soon(self, *records: OutboxRecord) -> None:
        """Do nothing."""


class AskingGraph(Graph):
    """Several processes on one keyspace, which follow a private account."""

    async def ask(self, at: str = "", mishap: Mishap = die) -> FollowState | None:
        """Follow account 2 in a process that has a mishap at a step. Returns None if it died."""
        store, breaking = self.with_mishap(at or "never", mishap)
        try:
            added = await store.add_follow(Follow(1, 2, 100), PLENTY, [some_event()], [some_event()])
        except DiedError:
            return None
        finally:
            await store.drain()
        assert breaking.has_happened == bool(at)
        return added.follow.state

    async def recount(self) -> None:
        """Finish what is half done."""
        await Recount(self.store, CassandraRecountStore(self.keyspace, self.store), settle_seconds=0)()

    async def retry(self) -> None:
        """Repeat the call as the use case does."""
        if await self.store.confirm_follow(1, 2, [some_event()], [some_event()]) is None:
            await self.store.add_follow(Follow(1, 2, 200), PLENTY, [some_event()], [some_event()])

    async def state(self) -> FollowState | None:
        """Return what the pair is. Checks that all reads agree."""
        followers = await self.store.list_followers(2, None, 10)
        requests = await self.store.list_requests(2, None, 10)
        follow, request = await self.store.get_follow(1, 2), await self.store.get_request(1, 2)
        assert (follow is not None) + (request is not None) <= 1
        assert followers == [Follower(0, 1)] * (follow is not None)
        assert requests == [request] * (request is not None)
        assert await self.store.filter_followees(1, [2]) == ({2} if follow else set())
        return FOLLOWING if follow else REQUESTED if request else None


@pytest_asyncio.fixture(loop_scope="session")
async def graph(keyspace: Cassandra) -> AsyncIterator[AskingGraph]:
    """Return an empty graph."""
    await empty_keyspace(keyspace)
    graph = AskingGraph(keyspace)
    yield graph
    await graph.store.drain()


FINISHES: dict[str, Callable[[AskingGraph], Awaitable[None]]] = {
    "retry": AskingGraph.retry,
    "recount": AskingGraph.recount,
}
FINISH = pytest.mark.parametrize("finish", FINISHES)


async def send_and_die(send: Send) -> object:
    """Run the step and die."""
    await send()
    raise DiedError


def switching(graph: Graph, visibility: Visibility, *, before: bool) -> Mishap:
    """Return a mishap that changes the visibility of account 2 right before or after a step."""

    async def mishap(send: Send) -> object:
        if before:
            await graph.store.set_visibility(2, visibility, lambda _: [])
        answer = await send()
        if not before:
            await graph.store.set_visibility(2, visibility, lambda _: [])
        return answer

    return mishap


@pytest.mark.parametrize(
    ("at", "before", "expected"),
    [(BEGIN, True, REQUESTED), (BEGIN, False, REQUESTED), (BATCH, True, FOLLOWING), (BATCH, False, FOLLOWING)],
)
async def test_a_follow_meets_a_switch_to_private(
    graph: AskingGraph, at: str, before: bool, expected: FollowState
) -> None:
    """If the account becomes private before a follow is looked at again, the follow becomes a request. Later it is a follower."""
    assert await graph.ask(at, switching(graph, Visibility.PRIVATE, before=before)) is expected
    assert await graph.state() is expected
    assert await graph.counts() == ((1, 1) if expected is FOLLOWING else (0, 0))


@FINISH
@pytest.mark.parametrize("is_late", [False, True])
async def test_a_follow_that_was_left_before_a_switch_is_no_follow(
    graph: AskingGraph, finish: str, is_late: bool
) -> None:
    """A follow whose process died before it was complete becomes a request if the account is private when it is finished."""
    assert await graph.ask(BEGIN, send_and_die) is None
    await make_private(graph.store, 2)
    if is_late:
        await graph.age()
    await FINISHES[finish](graph)
    assert await graph.state() is REQUESTED
    assert await graph.store.get_counts(2) == FollowCounts()
    assert await graph.store.get_last_cut(1) != 0  # it may have been seen as a follow
    await graph.store.accept_request(1, 2, 300, [])
    assert await graph.state() is FOLLOWING


@FINISH
@pytest.mark.parametrize("is_late", [False, True])
async def test_a_complete_follow_is_kept(graph: AskingGraph, finish: str, is_late: bool) -> None:
    """A follow that was complete before the switch stays one, even if a mute of it was left half done."""
    assert await graph.ask() is FOLLOWING
    store, _ = graph.with_mishap(BATCH, die)
    with pytest.raises(DiedError):
        await store.mute(1, 2, 50, [some_event()])
    await make_private(graph.store, 2)
    if is_late:
        await graph.age()
    await FINISHES[finish](graph)
    assert await graph.store.get_follow(1, 2) == Follow(1, 2, 100, is_muted=True)
    assert await graph.store.list_followers(2, None, 10) == [Follower(0, 1, is_muted=True)]


@pytest.mark.parametrize("before", [False, True])
@pytest.mark.parametrize("at", [REQUEST, BATCH])
async def test_a_request_meets_a_switch_to_public(graph: AskingGraph, at: str, before: bool) -> None:
    """If the account becomes public while a request is written, the request becomes a follow."""
    await make_private(graph.store, 2)
    assert await graph.ask(at, switching(graph, Visibility.PUBLIC, before=before)) is FOLLOWING
    assert await graph.state() is FOLLOWING
    assert await graph.counts() == (1, 1)


@FINISH
@pytest.mark.parametrize("is_late", [False, True])
@pytest.mark.parametrize("is_public", [False, True])
async def test_a_request_that_was_left_is_finished(
    graph: AskingGraph, finish: str, is_public: bool, is_late: bool
) -> None:
    """A request whose process died becomes what the account's visibility says when it is finished."""
    await make_private(graph.store, 2)
    assert await graph.ask(BATCH) is None
    await assert_no_trace(graph.store)
    if is_public:
        await make_public(graph.store, 2)
    if is_late:
        await graph.age()
    await FINISHES[finish](graph)
    assert await graph.state() is (FOLLOWING if is_public else REQUESTED)


async def test_a_request_in_the_list_is_accepted_by_the_event(graph: AskingGraph) -> None:
    """A request whose process died before it looked again is accepted by the event of the switch, or by its own."""
    for is_own in (False, True):
        await make_private(graph.store, 2)
        assert await graph.ask(BATCH, send_and_die) is None
        await make_public(graph.store, 2)
        accept = AcceptPending(graph.store, Silent())
        await (accept.one(1, 2) if is_own else accept(2))
        assert await graph.state() is FOLLOWING
        await graph.store.remove_follow(1, 2, [])


@pytest.mark.parametrize("at", [ACCEPT, BATCH])
@pytest.mark.parametrize("finish", ["accept", "retry", "recount"])
async def test_an_acceptance_that_was_left_is_finished(graph: AskingGraph, at: str, finish: str) -> None:
    """An acceptance that was decided stands while the account is private. One that was not has changed nothing."""
    await make_private(graph.store, 2)
    await graph.ask()
    store, _ = graph.with_mishap(at, die)
    with pytest.raises(DiedError):
        await store.accept_request(1, 2, 300, [some_event()])
    if at == ACCEPT:
        assert await graph.state() is REQUESTED
    if finish == "accept" or at == ACCEPT:
        await graph.store.accept_request(1, 2, 300, [some_event()])
    else:
        await FINISHES[finish](graph)
    assert await graph.state() is FOLLOWING
    await graph.recount()
    assert await graph.counts() == (1, 1)


@pytest.mark.parametrize("at", [CANCEL, BATCH, DELETE])
async def test_a_cancellation_that_was_left_is_finished(graph: AskingGraph, at: str) -> None:
    """A cancelled request can not be accepted, wherever its process died; a repeat cancels what was not decided."""
    await make_private(graph.store, 2)
    await graph.ask()
    store, _ = graph.with_mishap(at, die)
    with pytest.raises(DiedError):
        await store.remove_follow(1, 2, [some_event()])
    if at == CANCEL:
        await graph.store.remove_follow(1, 2, [])
    else:
        assert await graph.store.accept_request(1, 2, 300, []) is None
    assert await graph.state() is None
    assert await graph.ask() is REQUESTED
    assert await graph.state() is REQUESTED


async def test_a_late_request_does_not_undo_an_acceptance(graph: AskingGraph) -> None:
    """A slow process that finishes its request after the acceptance leaves a follow, and no request in the list."""
    await make_private(graph.store, 2)
    gate = Gate()
    slow, _ = graph.with_mishap(BATCH, gate)
    asking = asyncio.create_task(slow.add_follow(Follow(1, 2, 100), PLENTY, [], []))
    await gate.reached.wait()
    await graph.store.accept_request(1, 2, 300, [])
    gate.open.set()
    await asking
    assert await graph.state() is FOLLOWING
    assert await graph.counts() == (1, 1)


async def test_a_late_follow_does_not_undo_its_turn_into_a_request(graph: AskingGraph) -> None:
    """A slow process that finishes a follow that was turned into a request leaves no follower."""
    gate = Gate()
    slow, _ = graph.with_mishap(BATCH, gate)
    following = asyncio.create_task(slow.add_follow(Follow(1, 2, 100), PLENTY, [], []))
    await gate.reached.wait()
    await make_private(graph.store, 2)
    await graph.retry()
    assert await graph.state() is REQUESTED
    gate.open.set()
    await following
    assert await graph.state() is REQUESTED


@LOST
@pytest.mark.parametrize("at", [REQUEST, ACCEPT, CANCEL, TURN])
async def test_a_change_whose_answer_is_lost_is_made_once(graph: AskingGraph, at: str, mishap: Mishap) -> None:
    """A change whose answer was lost is made, whether or not it was applied at first."""
    if at == TURN:
        await graph.ask(BEGIN, send_and_die)
    await make_private(graph.store, 2)
    if at in (ACCEPT, CANCEL):
        await graph.ask()
    store, breaking = graph.with_mishap(at, mishap)
    if at == ACCEPT:
        assert await store.accept_request(1, 2, 300, [some_event()]) is not None
    elif at == CANCEL:
        assert await store.remove_request(1, 2)
    else:
        await store.add_follow(Follow(1, 2, 100), PLENTY, [some_event()], [some_event()])
    assert breaking.has_happened
    expected = {REQUEST: REQUESTED, TURN: REQUESTED, ACCEPT: FOLLOWING, CANCEL: None}
    assert await graph.state() is expected[at]
    await store.drain()
