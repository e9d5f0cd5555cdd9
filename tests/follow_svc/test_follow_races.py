"""What happens between a follow's first look at blocks and its write, on the stores and without a server."""

from collections.abc import Awaitable, Callable, Sequence
from typing import NamedTuple

import pytest

from follow_svc.blocks.create_block import CreateBlock
from follow_svc.blocks.end_follows import EndFollows
from follow_svc.blocks.get_sights import GetSights
from follow_svc.create_follow import CreateFollow
from follow_svc.delete_follow import DeleteFollow
from follow_svc.errors import UserNotFoundError
from follow_svc.model import FollowState
from follow_svc.privacy.update_privacy import UpdatePrivacy
from follow_svc.sight import Visibility
from follow_svc.store.port import FollowStore
from meshkit.errors import LensfeedError
from meshkit.sight import Gate, UserBlockedError
from tests.follow_svc.graph_stores import OpenGraph
from tests.follow_svc.store.test_half_done_requests import Silent
from tests.follow_svc.store.test_requests import assert_no_trace, make_private

FOLLOWER, FOLLOWEE = 1, 2


class Somebody(NamedTuple):
    """An account."""

    user_id: int


class Everybody:
    """All accounts exist."""

    async def get_users(self, user_ids: Sequence[int]) -> Sequence[Somebody]:
        """Return all of them."""
        return [Somebody(user_id) for user_id in user_ids]


class MeanwhileEverybody(Everybody):
    """All accounts exist, and something happens before the answer, which comes after the look and before the write."""

    def __init__(self, happens: Callable[[], Awaitable[None]]) -> None:
        self._happens = happens

    async def get_users(self, user_ids: Sequence[int]) -> Sequence[Somebody]:
        """Let it happen."""
        await self._happens()
        return await super().get_users(user_ids)


def follow_during(store: FollowStore, happens: Callable[[], Awaitable[None]]) -> CreateFollow:
    """Return the use case with something that happens during each call."""
    delete_follow = DeleteFollow(store, Silent())
    return CreateFollow(store, MeanwhileEverybody(happens), Silent(), Gate(GetSights(store)), delete_follow)


@pytest.mark.parametrize("is_private", [False, True], ids=["a follow", "a request"])
@pytest.mark.parametrize(
    ("blocker", "blocked", "told"),
    [(FOLLOWER, FOLLOWEE, UserBlockedError), (FOLLOWEE, FOLLOWER, UserNotFoundError)],
    ids=["by the follower", "by the followee"],
)
async def test_a_block_before_the_write_ends_the_follow(
    graph: OpenGraph, is_private: bool, blocker: int, blocked: int, told: type[LensfeedError]
) -> None:
    """A whole block finds no follow to end. The follow looks again after its write, ends itself, and is refused."""
    store, gate = graph.follows, Gate(GetSights(graph.follows))
    end_follows = EndFollows(store, DeleteFollow(store, Silent()))
    create_block = CreateBlock(store, Everybody(), Silent(), gate, end_follows)
    if is_private:
        await make_private(store, FOLLOWEE)
    with pytest.raises(told):
        await follow_during(store, lambda: create_block(blocker, blocked))(FOLLOWER, FOLLOWEE)
    assert await store.get_request(FOLLOWER, FOLLOWEE) is None
    assert await store.get_follow(FOLLOWER, FOLLOWEE) is None
    assert await store.filter_followees(FOLLOWER, [FOLLOWEE]) == set()
    assert (await store.get_counts(FOLLOWER)).following == (await store.get_counts(FOLLOWEE)).followers == 0


async def test_a_switch_to_private_before_the_write_makes_a_request(graph: OpenGraph) -> None:
    """The write decides by the visibility of its own moment, not by what the look found."""
    store = graph.follows
    update_privacy = UpdatePrivacy(store, Silent())
    follow = await follow_during(store, lambda: update_privacy(FOLLOWEE, Visibility.PRIVATE))(FOLLOWER, FOLLOWEE)
    assert follow.state is FollowState.REQUESTED
    assert await store.get_request(FOLLOWER, FOLLOWEE) is not None
    await assert_no_trace(store)
