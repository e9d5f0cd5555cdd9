"""The contract of the last cut in every store of the graph."""

import asyncio

from follow_svc.model import Follow
from tests.follow_svc.graph_stores import OpenGraph
from tests.follow_svc.store.test_mutes import mute
from tests.follow_svc.store.test_store_contract import PLENTY, add


async def test_nothing_was_cut_at_first(graph: OpenGraph) -> None:
    """The last cut of an account that only follows, or that nobody knows, is 0."""
    await add(graph.follows, 1, 2)
    assert await graph.follows.get_last_cut(1) == 0
    assert await graph.follows.get_last_cut(3) == 0


async def test_an_unfollow_and_a_mute_are_cuts_of_the_follower(graph: OpenGraph) -> None:
    """Each has an id of its own. The followee and other followers have none."""
    store = graph.follows
    for follower_id, followee_id in ((1, 2), (1, 3), (4, 2)):
        await add(store, follower_id, followee_id)
    seen = [0]
    for cut in (mute(store, 1, 2), store.remove_follow(1, 3, []), store.remove_follow(1, 2, [])):
        assert await cut
        seen.append(await store.get_last_cut(1))
    assert len(set(seen)) == 4
    assert [await store.get_last_cut(other) for other in (2, 3, 4)] == [0, 0, 0]


async def test_what_adds_to_a_feed_or_changes_nothing_is_no_cut(graph: OpenGraph) -> None:
    """Follows, unmutes and repeats leave the last cut as it is, even after the last follow has ended."""
    store = graph.follows
    await add(store, 1, 2)
    await mute(store, 1, 2)
    cut = await store.get_last_cut(1)
    assert not await mute(store, 1, 2)
    assert await store.unmute(1, 2, [])
    assert not await store.unmute(1, 2, [])
    await add(store, 1, 3)
    await add(store, 1, 3)
    assert await store.get_last_cut(1) == cut != 0
    for followee_id in (2, 3):
        await store.remove_follow(1, followee_id, [])
    last = await store.get_last_cut(1)
    assert not await store.remove_follow(1, 2, [])
    assert await store.list_followees(1, None, 10) == []
    assert await store.get_follow(1, 2) is None
    assert await store.get_last_cut(1) == last != cut
    assert (await store.add_follow(Follow(1, 2, 9), PLENTY, [])).is_new
    assert await store.get_last_cut(1) == last


async def test_a_cut_is_never_seen_before_its_id(graph: OpenGraph) -> None:
    """Whoever sees that a follow is gone and reads the last cut afterwards finds a new one."""
    store = graph.follows
    for round_ in range(10):
        await add(store, 1, 2)
        before = await store.get_last_cut(1)
        removing = asyncio.create_task(store.remove_follow(1, 2, []))
        while await store.filter_unmuted(1, [2]):  # noqa: ASYNC110 - a store raises no event
            await asyncio.sleep(0)
        assert await store.get_last_cut(1) != before, round_
        assert await removing
