"""The store compared with a plain dict of pairs, under random calls."""

import itertools
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
import pytest_asyncio
from hypothesis import given, settings
from hypothesis import strategies as st

from follow_svc.errors import FollowLimitError, NotFollowingError
from follow_svc.model import Follow, FollowCounts, Follower, Mute, bucket_of
from tests.follow_svc.graph_stores import GraphStores, OpenGraph, is_written, some_event

BUCKET_SIZE = 2
MAX_FOLLOWEES = 3
PEOPLE = 6
PAIR = st.sampled_from(list(itertools.permutations(range(PEOPLE), 2)))
STEP = st.tuples(st.sampled_from(["follow", "follow", "unfollow", "mute", "unmute"]), PAIR)
# Each example uses its own accounts, so that all can share one store.
FIRST_PERSON = itertools.count(0, PEOPLE)


class Model:
    """The graph as a dict: pair -> (follow, bucket)."""

    def __init__(self) -> None:
        self.pairs: dict[tuple[int, int], tuple[Follow, int]] = {}
        self.muted_ms: dict[tuple[int, int], int] = {}

    def counts(self, person: int) -> FollowCounts:
        """Count by scanning all pairs."""
        return FollowCounts(
            followers=sum(followee == person for _, followee in self.pairs),
            following=sum(follower == person for follower, _ in self.pairs),
        )

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
    """After any follows, unfollows, mutes and unmutes the store holds, lists and counts the same as a dict."""
    base = next(FIRST_PERSON)
    model = Model()
    for moment, (verb, (follower, followee)) in enumerate(steps):
        await VERBS[verb](shared_graph, model, Follow(base + follower, base + followee, moment))
    for person in range(base, base + PEOPLE):
        await _compare(shared_graph, model, person, range(base, base + PEOPLE))


async def _follow(graph: OpenGraph, model: Model, follow: Follow) -> None:
    pair = (follow.follower_id, follow.followee_id)
    record = some_event()
    is_new = pair not in model.pairs
    if is_new and model.counts(follow.follower_id).following >= MAX_FOLLOWEES:
        with pytest.raises(FollowLimitError):
            await graph.follows.add_follow(follow, MAX_FOLLOWEES, [record])
        assert not await is_written(graph.outbox, record)
        return
    bucket = bucket_of(model.counts(follow.followee_id).followers, BUCKET_SIZE)
    expected, _ = model.pairs.setdefault(pair, (follow, bucket))
    added = await graph.follows.add_follow(follow, MAX_FOLLOWEES, [record])
    assert (added.follow, added.is_new) == (expected, is_new)
    assert await is_written(graph.outbox, record) == is_new


async def _unfollow(graph: OpenGraph, model: Model, follow: Follow) -> None:
    record = some_event()
    was_there = model.pairs.pop((follow.follower_id, follow.followee_id), None) is not None
    assert await graph.follows.remove_follow(follow.follower_id, follow.followee_id, [record]) == was_there
    assert await is_written(graph.outbox, record) == was_there


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


VERBS = {"follow": _follow, "unfollow": _unfollow, "mute": _mute, "unmute": _unmute}


async def _compare(graph: OpenGraph, model: Model, person: int, everybody: range) -> None:
    store = graph.follows
    followers, followees = model.followers(person), model.followees(person)
    assert await store.get_counts(person) == model.counts(person)
    assert await store.list_followers(person, None, PEOPLE) == followers
    assert await store.list_followees(person, None, PEOPLE) == followees
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
