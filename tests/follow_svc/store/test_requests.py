"""The contract of private accounts and follow requests in every store of the graph."""

import asyncio

import pytest

from follow_svc.errors import FollowLimitError, NotFollowingError, RequestsFullError
from follow_svc.model import AddedFollow, Follow, FollowCounts, Follower, FollowRequest, FollowState
from follow_svc.sight import Standing, Visibility
from follow_svc.store.port import FollowStore
from tests.follow_svc.graph_stores import OpenGraph, is_written, some_event
from tests.follow_svc.store.test_store_contract import PLENTY

REQUEST = Follow(1, 2, 5, state=FollowState.REQUESTED)


async def make(store: FollowStore, user_id: int, visibility: Visibility) -> None:
    """Make an account private or public, without events."""
    await store.set_visibility(user_id, visibility, lambda _: [])


async def make_private(store: FollowStore, user_id: int) -> None:
    """Make an account private."""
    await make(store, user_id, Visibility.PRIVATE)


async def make_public(store: FollowStore, user_id: int) -> None:
    """Make an account public."""
    await make(store, user_id, Visibility.PUBLIC)


async def ask(store: FollowStore, follower_id: int, followee_id: int, at_ms: int = 5) -> AddedFollow:
    """Follow, or ask for it."""
    return await store.add_follow(Follow(follower_id, followee_id, at_ms), PLENTY, [])


async def assert_no_trace(store: FollowStore) -> None:
    """Check that nothing takes the request of account 1 to account 2 for a follow."""
    assert await store.get_follow(1, 2) is None
    assert await store.get_counts(1) == await store.get_counts(2) == FollowCounts()
    assert await store.get_follower_count(2) in (None, 0)
    assert await store.list_followers(2, None, 10) == []
    assert await store.list_followees(1, None, 10) == await store.list_unmuted_followees(1, None, 10) == []
    assert await store.filter_followees(1, [2]) == await store.filter_unmuted(1, [2]) == set()
    assert await store.list_mutes(1, None, 10) == []
    assert await store.get_last_cut(1) == 0
    with pytest.raises(NotFollowingError):
        await store.mute(1, 2, 5, [])
    assert not await store.unmute(1, 2, [])


async def test_a_visibility_has_versions(graph: OpenGraph) -> None:
    """Each change gets a higher version, which its events have. A repeat changes nothing and writes no event."""
    records, versions = [some_event() for _ in range(3)], []
    for record, visibility in zip(records, [Visibility.PRIVATE, Visibility.PRIVATE, Visibility.PUBLIC], strict=True):
        written = await graph.follows.set_visibility(1, visibility, lambda at, record=record: [record] * bool(at))  # type: ignore[misc]  # a default in a lambda
        assert bool(written) == await is_written(graph.outbox, record)
        versions.append((await graph.follows.get_standings([1]))[1].version)
        assert (await graph.follows.get_standings([1, 2])) == {1: Standing(visibility, version=versions[-1])}
    assert [await is_written(graph.outbox, record) for record in records] == [True, False, True]
    assert versions[0] == versions[1] < versions[2]


async def test_a_request_is_no_follow(graph: OpenGraph) -> None:
    """A private account is asked for a follow, with an event of its own. No read of follows finds the request."""
    await make_private(graph.follows, 2)
    created, requested, again = some_event(), some_event(), some_event()
    added = await graph.follows.add_follow(Follow(1, 2, 5), PLENTY, [created], [requested])
    assert added == AddedFollow(REQUEST, is_new=True)
    assert await graph.follows.add_follow(Follow(1, 2, 9), PLENTY, [again], [again]) == AddedFollow(
        REQUEST, is_new=False
    )
    assert await graph.follows.confirm_follow(1, 2, [again], [again]) == REQUEST
    assert [await is_written(graph.outbox, each) for each in (created, requested, again)] == [False, True, False]
    assert await graph.follows.get_request(1, 2) == FollowRequest(5, 1)
    assert await graph.follows.get_request(2, 1) is None
    await assert_no_trace(graph.follows)


async def test_an_accepted_request_is_a_follow(graph: OpenGraph) -> None:
    """It begins when it is accepted, is counted and listed, and is no request any more. A repeat changes nothing."""
    store = graph.follows
    await make_private(store, 2)
    await ask(store, 1, 2)
    first, again = some_event(), some_event()
    follow = Follow(1, 2, 50)
    assert await store.accept_request(1, 2, 50, [first]) == AddedFollow(follow, is_new=True)
    assert await store.accept_request(1, 2, 60, [again]) == AddedFollow(follow, is_new=False)
    assert [await is_written(graph.outbox, each) for each in (first, again)] == [True, False]
    assert await store.get_follow(1, 2) == await store.confirm_follow(1, 2, []) == follow
    assert (await store.get_counts(1), await store.get_counts(2)) == (FollowCounts(0, 1), FollowCounts(1, 0))
    assert await store.list_followers(2, None, 10) == [Follower(0, 1)]
    assert await store.filter_followees(1, [2]) == {2}
    assert await store.list_requests(2, None, 10) == []
    assert await store.get_request(1, 2) is None
    assert await store.mute(1, 2, 5, [])
    assert await store.remove_follow(1, 2, [])
    assert await store.list_followers(2, None, 10) == []
    assert await store.get_counts(2) == FollowCounts()


async def test_only_what_was_asked_is_accepted(graph: OpenGraph) -> None:
    """Without a request there is nothing to accept. An acceptance of an earlier request leaves a later one alone."""
    store = graph.follows
    assert await store.accept_request(1, 2, 50, []) is None
    await make_private(store, 2)
    await ask(store, 1, 2, 5)
    assert await store.remove_request(1, 2)
    await ask(store, 1, 2, 6)
    assert await store.accept_request(1, 2, 50, [], requested_ms=5) is None
    assert await store.get_request(1, 2) == FollowRequest(6, 1)
    accepted = await store.accept_request(1, 2, 50, [], requested_ms=6)
    assert accepted is not None
    assert accepted.is_new


@pytest.mark.parametrize("is_cancelled", [True, False], ids=["cancel", "decline"])
async def test_an_ended_request_leaves_nothing(graph: OpenGraph, is_cancelled: bool) -> None:
    """Neither a cancelled nor a declined request can be accepted. No event tells of it, and the next request is new."""
    store, record = graph.follows, some_event()
    await make_private(store, 2)
    for moment in (5, 6):
        assert (await ask(store, 1, 2, moment)).is_new
        if is_cancelled:
            assert not await store.remove_follow(1, 2, [record])
        else:
            assert await store.remove_request(1, 2)
        assert await store.list_requests(2, None, 10) == []
        assert await store.accept_request(1, 2, 50, []) is None
        assert not await store.remove_request(1, 2)
        await assert_no_trace(store)
    assert not await is_written(graph.outbox, record)


async def test_followers_stay_when_an_account_becomes_private(graph: OpenGraph) -> None:
    """A follow that was there before needs no consent, and a repeat returns it. Declining it changes nothing."""
    store = graph.follows
    await ask(store, 1, 2)
    await make_private(store, 2)
    assert await store.confirm_follow(1, 2, []) == Follow(1, 2, 5)
    assert await ask(store, 1, 2, 9) == AddedFollow(Follow(1, 2, 5), is_new=False)
    assert not await store.remove_request(1, 2)
    assert await store.filter_followees(1, [2]) == {2}
    assert await store.list_requests(2, None, 10) == []


async def test_a_request_of_a_public_account_becomes_a_follow_when_it_is_repeated(graph: OpenGraph) -> None:
    """If an account became public and its request was missed, the next call that follows makes it a follow."""
    store, record = graph.follows, some_event()
    await make_private(store, 2)
    await ask(store, 1, 2)
    await make_public(store, 2)
    assert await store.confirm_follow(1, 2, []) is None
    added = await store.add_follow(Follow(1, 2, 9), PLENTY, [record])
    assert (added.is_new, added.follow.state) == (True, FollowState.FOLLOWING)
    assert await is_written(graph.outbox, record)
    assert await store.list_requests(2, None, 10) == []
    assert await store.get_counts(2) == FollowCounts(1, 0)


async def test_requests_are_listed_by_time(graph: OpenGraph) -> None:
    """The latest request comes first, those of one moment by descending id. Pages continue."""
    await make_private(graph.follows, 1)
    for follower_id, at_ms in {2: 30, 3: 10, 4: 20, 5: 20}.items():
        await ask(graph.follows, follower_id, 1, at_ms)
    everything = [FollowRequest(30, 2), FollowRequest(20, 5), FollowRequest(20, 4), FollowRequest(10, 3)]
    assert await graph.follows.list_requests(1, None, 10) == everything
    for number, each in enumerate(everything):
        assert await graph.follows.list_requests(1, each, 2) == everything[number + 1 : number + 3]


async def test_requests_count_for_the_limit_of_followees(graph: OpenGraph) -> None:
    """Follows and requests together are limited. An accepted request frees no place, and an ended one does."""
    store, record = graph.follows, some_event()
    await make_private(store, 3)
    await store.add_follow(Follow(1, 2, 5), 2, [])
    await store.add_follow(Follow(1, 3, 5), 2, [])
    for followee_id in (3, 4):
        if followee_id == 4:
            with pytest.raises(FollowLimitError):
                await store.add_follow(Follow(1, 4, 5), 2, [record])
        await store.accept_request(1, followee_id, 6, [])
    with pytest.raises(FollowLimitError):
        await store.add_follow(Follow(1, 4, 5), 2, [record])
    assert not await is_written(graph.outbox, record)
    await store.remove_follow(1, 3, [])
    assert (await store.add_follow(Follow(1, 4, 5), 2, [])).is_new


async def test_an_account_has_a_limit_of_requests(graph: OpenGraph) -> None:
    """At the limit a new request is refused and leaves no trace. A repeat succeeds, and each answer makes room."""
    store, record = graph.follows, some_event()
    await make_private(store, 9)
    for follower_id in (1, 2):
        await store.add_follow(Follow(follower_id, 9, 5), PLENTY, [], [], 2)
    with pytest.raises(RequestsFullError):
        await store.add_follow(Follow(3, 9, 5), PLENTY, [record], [record], 2)
    assert not await is_written(graph.outbox, record)
    assert await store.get_request(3, 9) is None
    assert not (await store.add_follow(Follow(2, 9, 7), PLENTY, [], [], 2)).is_new
    await store.accept_request(1, 9, 6, [])
    assert (await store.add_follow(Follow(3, 9, 5), PLENTY, [], [], 2)).is_new


@pytest.mark.parametrize("is_cancelled", [True, False], ids=["cancel", "decline"])
async def test_of_an_acceptance_and_an_end_one_wins(graph: OpenGraph, is_cancelled: bool) -> None:
    """After both at once lists and counts agree. A cancelled pair is over; a declined one is if that came first."""
    store = graph.follows
    await make_private(store, 2)
    for _ in range(5):
        await ask(store, 1, 2)
        end = store.remove_follow(1, 2, []) if is_cancelled else store.remove_request(1, 2)
        accepted, ended = await asyncio.gather(store.accept_request(1, 2, 50, []), end)
        is_follow = not is_cancelled and not ended
        assert (accepted is not None) >= is_follow
        assert await store.filter_followees(1, [2]) == ({2} if is_follow else set())
        assert await store.list_followers(2, None, 10) == [Follower(0, 1)] * is_follow
        assert await store.get_counts(2) == FollowCounts(is_follow, 0)
        assert await store.list_requests(2, None, 10) == []
        await store.remove_follow(1, 2, [])


async def test_events_can_be_written_alone(graph: OpenGraph) -> None:
    """An event without a change is written to the outbox."""
    record = some_event()
    await graph.follows.write_events([record])
    assert await is_written(graph.outbox, record)
