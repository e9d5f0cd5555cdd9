"""The store compared with a plain dict of pairs, under random calls."""

import itertools
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
import pytest_asyncio
from hypothesis import given, settings
from hypothesis import strategies as st
from lensfeed.events.v1 import event_pb2

from follow_svc.errors import FollowLimitError, NotFollowingError
from follow_svc.model import AddedFollow, Follow, FollowCounts, Follower, FollowRequest, FollowState, Mute, bucket_of
from follow_svc.privacy.accept_pending import AcceptPending
from follow_svc.sight import Standing, Visibility
from meshkit.events import OutboxRecord
from tests.follow_svc.graph_stores import GraphStores, OpenGraph, is_written, some_event

BUCKET_SIZE = 2
MAX_FOLLOWEES = 3
PEOPLE = 6
PAIR = st.sampled_from(list(itertools.permutations(range(PEOPLE), 2)))
OFTEN, SELDOM = (
    ("follow", "follow", "unfollow", "mute", "unmute"),
    ("private", "public", "late_public", "accept", "decline"),
)
STEP = st.tuples(st.sampled_from([*OFTEN, *OFTEN, *SELDOM]), PAIR)
# Each example uses its own accounts, so that all can share one store.
FIRST_PERSON = itertools.count(0, PEOPLE)


class Model:
    """The graph as a dict: pair -> (follow, bucket)."""

    def __init__(self) -> None:
        self.pairs: dict[tuple[int, int], tuple[Follow, int]] = {}
        self.muted_ms: dict[tuple[int, int], int] = {}
        self.requests: dict[tuple[int, int], int] = {}
        self.private: set[int] = set()

    def counts(self, person: int) -> FollowCounts:
        """Count by scanning all pairs."""
        return FollowCounts(
            followers=sum(followee == person for _, followee in self.pairs),
            following=sum(follower == person for follower, _ in self.pairs),
        )

    def room(self, person: int) -> int:
        """Return how many more accounts somebody may follow or ask to follow."""
        asked = sum(follower == person for follower, _ in self.requests)
        return MAX_FOLLOWEES - self.counts(person).following - asked

    def asking(self, person: int) -> list[FollowRequest]:
        """List by scanning all requests, the latest first."""
        found = [FollowRequest(at_ms, pair[0]) for pair, at_ms in self.requests.items() if pair[1] == person]
        return sorted(found, reverse=True)

    def add(self, pair: tuple[int, int], at_ms: int) -> Follow:
        """Make a follow, in place of a request if there is one."""
        self.requests.pop(pair, None)
        bucket = bucket_of(self.counts(pair[1]).followers, BUCKET_SIZE)
        follow, _ = self.pairs.setdefault(pair, (Follow(*pair, at_ms), bucket))
        return follow

    def followers(self, person: int) -> list[Follower]:
        """List by scanning all pairs."""
        return sorted(
            Follower(bucket, follow.follower_id, follow.is_muted)
            for follow, bucket in self.pairs.values()
            if follow.followee_id == person
        )

    def followees(self, person: int) -> list[int]:
        """List by scanning all pairs."""
        return sorted(followee for follower, followee in self.pairs if follower == person)

    def mutes(self, person: int) -> list[Mute]:
        """List by scanning all pairs, the latest first."""
        muted = [pair for pair, (follow, _) in self.pairs.items() if pair[0] == person and follow.is_muted]
        return sorted((Mute(self.muted_ms[pair], pair[1]) for pair in muted), reverse=True)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def shared_graph(stores: GraphStores, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[OpenGraph]:
    """Return one store with tiny buckets for all examples."""
    await stores.empty()
    async with stores.open(tmp_path_factory.mktemp("graph"), BUCKET_SIZE) as opened:
        yield opened


# The stores are real, so the time of one example means nothing.
@settings(deadline=None, max_examples=25)
@given(steps=st.lists(STEP, max_size=60))
async def test_the_store_is_a_set_of_pairs(shared_graph: OpenGraph, steps: list[tuple[str, tuple[int, int]]]) -> None:
    """After any changes of follows, mutes, requests and visibilities the store holds, lists and counts the same as a dict."""
    base = next(FIRST_PERSON)
    model = Model()
    for moment, (verb, (follower, followee)) in enumerate(steps):
        await VERBS[verb](shared_graph, model, Follow(base + follower, base + followee, moment))
    for person in range(base, base + PEOPLE):
        await _compare(shared_graph, model, person, range(base, base + PEOPLE))


async def _follow(graph: OpenGraph, model: Model, follow: Follow) -> None:
    pair = (follow.follower_id, follow.followee_id)
    created, requested = some_event(), some_event()
    is_private = follow.followee_id in model.private
    is_known = pair in model.pairs or pair in model.requests
    if not is_known and model.room(follow.follower_id) <= 0:
        with pytest.raises(FollowLimitError):
            await graph.follows.add_follow(follow, MAX_FOLLOWEES, [created], [requested])
        assert not await is_written(graph.outbox, created)
        return
    is_followed = pair not in model.pairs and not is_private
    is_asked = not is_known and is_private
    added = await graph.follows.add_follow(follow, MAX_FOLLOWEES, [created], [requested])
    if is_asked:
        model.requests[pair] = follow.created_ms
    if pair in model.pairs or not is_private:
        # A request that becomes a follow begins now, by the clock of the store.
        expected = model.add(pair, added.follow.created_ms if pair in model.requests else follow.created_ms)
    else:
        expected = replace(follow, created_ms=model.requests[pair], state=FollowState.REQUESTED)
    assert added == AddedFollow(expected, is_new=is_followed or is_asked)
    assert await is_written(graph.outbox, created) == is_followed
    assert await is_written(graph.outbox, requested) == is_asked


async def _unfollow(graph: OpenGraph, model: Model, follow: Follow) -> None:
    record = some_event()
    pair = (follow.follower_id, follow.followee_id)
    was_there = model.pairs.pop(pair, None) is not None
    model.requests.pop(pair, None)
    assert await graph.follows.remove_follow(*pair, [record]) == was_there
    assert await is_written(graph.outbox, record) == was_there


async def _accept(graph: OpenGraph, model: Model, follow: Follow) -> None:
    pair = (follow.follower_id, follow.followee_id)
    record = some_event()
    accepted = await graph.follows.accept_request(*pair, follow.created_ms, [record])
    is_new = pair in model.requests
    assert await is_written(graph.outbox, record) == is_new
    if not is_new and pair not in model.pairs:
        assert accepted is None
        return
    assert accepted == AddedFollow(model.add(pair, follow.created_ms), is_new=is_new)


async def _decline(graph: OpenGraph, model: Model, follow: Follow) -> None:
    pair = (follow.follower_id, follow.followee_id)
    assert await graph.follows.remove_request(*pair) == (model.requests.pop(pair, None) is not None)


async def _private(graph: OpenGraph, model: Model, follow: Follow) -> None:
    model.private.add(follow.followee_id)
    await graph.follows.set_visibility(follow.followee_id, Visibility.PRIVATE, lambda _: [])


async def _late_public(graph: OpenGraph, model: Model, follow: Follow) -> None:
    """Become public while no event is handled."""
    model.private.discard(follow.followee_id)
    await graph.follows.set_visibility(follow.followee_id, Visibility.PUBLIC, lambda _: [])


async def _public(graph: OpenGraph, model: Model, follow: Follow) -> None:
    await _late_public(graph, model, follow)
    chunks = Chunks()
    accept = AcceptPending(graph.follows, chunks, chunk=1)
    await accept(follow.followee_id)
    while chunks.left:
        chunks.left = False
        await accept(follow.followee_id)
    for request in model.asking(follow.followee_id):
        accepted = await graph.follows.get_follow(request.follower_id, follow.followee_id)
        assert accepted is not None
        model.add((request.follower_id, follow.followee_id), accepted.created_ms)


class Chunks:
    """Remembers whether another chunk was announced."""

    left = False

    def send_soon(self, *records: OutboxRecord) -> None:
        """Look for the event of the next chunk."""
        self.left |= any(event_pb2.Event.FromString(each.payload).HasField("accept_chunk") for each in records)


async def _mute(graph: OpenGraph, model: Model, follow: Follow) -> None:
    pair = (follow.follower_id, follow.followee_id)
    record = some_event()
    if pair not in model.pairs:
        with pytest.raises(NotFollowingError):
            await graph.follows.mute(*pair, follow.created_ms, [record])
        return
    is_new = _set_muted(model, pair, True)
    assert await graph.follows.mute(*pair, follow.created_ms, [record]) == is_new
    assert await is_written(graph.outbox, record) == is_new
    if is_new:
        model.muted_ms[pair] = follow.created_ms


async def _unmute(graph: OpenGraph, model: Model, follow: Follow) -> None:
    pair = (follow.follower_id, follow.followee_id)
    record = some_event()
    was_muted = pair in model.pairs and _set_muted(model, pair, False)
    assert await graph.follows.unmute(*pair, [record]) == was_muted
    assert await is_written(graph.outbox, record) == was_muted


def _set_muted(model: Model, pair: tuple[int, int], is_muted: bool) -> bool:
    """Return whether that changed anything."""
    follow, bucket = model.pairs[pair]
    model.pairs[pair] = (replace(follow, is_muted=is_muted), bucket)
    return follow.is_muted != is_muted


VERBS = {
    "follow": _follow,
    "unfollow": _unfollow,
    "mute": _mute,
    "unmute": _unmute,
    "private": _private,
    "public": _public,
    "late_public": _late_public,
    "accept": _accept,
    "decline": _decline,
}


async def _compare(graph: OpenGraph, model: Model, person: int, everybody: range) -> None:
    store = graph.follows
    followers, followees = model.followers(person), model.followees(person)
    assert await store.get_counts(person) == model.counts(person)
    assert await store.list_followers(person, None, PEOPLE) == followers
    assert await store.list_followees(person, None, PEOPLE) == followees
    assert await store.list_requests(person, None, PEOPLE) == model.asking(person)
    standing = (await store.get_standings([person])).get(person, Standing())
    assert (standing.visibility is Visibility.PRIVATE) == (person in model.private)
    assert await store.filter_followees(person, everybody) == set(followees)
    mutes = model.mutes(person)
    unmuted = sorted(set(followees) - {mute.followee_id for mute in mutes})
    assert await store.list_mutes(person, None, PEOPLE) == mutes
    assert await store.list_unmuted_followees(person, None, PEOPLE) == unmuted
    assert await store.filter_unmuted(person, everybody) == set(unmuted)
    for index, place in enumerate(followers):
        assert await store.list_followers(person, place, 1) == followers[index + 1 : index + 2]
    for index, followee in enumerate(followees):
        assert await store.list_followees(person, followee, 1) == followees[index + 1 : index + 2]
        assert await store.get_follow(person, followee) == model.pairs[person, followee][0]
