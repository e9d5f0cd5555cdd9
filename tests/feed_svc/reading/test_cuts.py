"""Whoever was cut off leaves the feed within two minutes, even if no event says so."""

import asyncio
from collections.abc import Sequence

import pytest
from redis.asyncio import Redis

from feed_svc.card_marks import is_public, is_unknown
from feed_svc.model import Cuts, Unleased, Window, author_of, entry_of
from feed_svc.reading.check_cuts import LEASE_SECONDS, LOOK_SECONDS, SETTLE_SECONDS, CheckCuts, Outcome, after_look
from feed_svc.store.cards import UNKNOWN_TTL_SECONDS
from meshkit.errors import DeadlineExceededError, UnavailableError
from meshkit.grpc.status import is_outage
from meshkit.redis.mux import RedisMux
from tests.feed_svc.world import Feed, World, entries_of, open_feed

VIEWER, STAYS, GOES, STAR = 1, 2, 3, 4
LEASE = f"ok:{{{VIEWER}}}"


class Graph(World):
    """A world that counts questions for the last cut, may not answer them, and can change while it answers."""

    looks = 0
    is_away = is_late = False
    hangs = False
    follows_meanwhile: tuple[int, int] | None = None

    async def last_cut(self, viewer: int) -> int:
        """Count, and answer if the graph is there."""
        self.looks += 1
        if self.hangs:
            await asyncio.Event().wait()
        if self.is_away:
            raise UnavailableError
        if self.is_late:
            raise DeadlineExceededError
        return await super().last_cut(viewer)

    async def followed_among(self, viewer: int, author_ids: Sequence[int]) -> set[int]:
        """Answer, then let somebody be followed."""
        found = await super().followed_among(viewer, author_ids)
        if self.follows_meanwhile is not None:
            self.follows.add(self.follows_meanwhile)
            self.follows_meanwhile = None
        return found


@pytest.fixture
def world() -> Graph:
    """Give a world in which the viewer follows two authors and a celebrity."""
    world = Graph()
    world.follows |= {(VIEWER, STAYS), (VIEWER, GOES), (VIEWER, STAR), (8, STAR)}
    for place in range(1, 31):
        world.post(2 + place % 3, place)
    return world


@pytest.fixture
async def feed(world: Graph, redis: "Redis", mux: RedisMux) -> Feed:
    """Give a feed that the viewer has read, so that it has a lease."""
    feed = open_feed(world, redis, mux, celebrity_followers=2, grace_ms=0, fresh_seconds=0)
    for author in (STAYS, GOES, STAR):
        for place in sorted(world.posts[author]):
            await feed.fan_out(author, place)
    assert await feed.walk(VIEWER, 7) == world.oracle(VIEWER)
    assert await redis.exists(LEASE)
    return feed


async def pass_lease(feed: Feed, seconds: int = LEASE_SECONDS) -> None:
    """Let a lease end."""
    feed.world.ahead_ms += seconds * 1_000
    await feed.redis.delete(LEASE)


async def test_a_leased_page_asks_nobody(feed: Feed, world: Graph) -> None:
    """Reads within a lease do not ask the graph. The first one after it asks once."""
    looks = world.looks
    for _ in range(5):
        await feed.get_feed(VIEWER, "", 5)
    assert world.looks == looks
    await pass_lease(feed)
    for _ in range(5):
        assert not (await feed.get_feed(VIEWER, "", 5)).is_degraded
    assert world.looks == looks + 1


@pytest.mark.parametrize("author", [GOES, STAR])
@pytest.mark.parametrize("is_mute", [True, False])
async def test_a_lost_cut_shows_once_the_lease_has_ended(feed: Feed, world: Graph, author: int, is_mute: bool) -> None:
    """Posts of an author who was unfollowed or muted leave the feed without an event, pulled ones too."""
    (world.mute if is_mute else world.end)(VIEWER, author)
    await pass_lease(feed)
    assert await feed.walk(VIEWER, 7) == world.oracle(VIEWER)


async def test_a_lease_ends_by_itself(feed: Feed, redis: "Redis") -> None:
    """The lease lives for less than two minutes, by Redis' clock."""
    assert 0 < await redis.pttl(LEASE) <= LEASE_SECONDS * 1_000
    assert await feed.timelines.renew_lease(VIEWER, Cuts(), Cuts(), 1)
    assert not await redis.exists(LEASE)


async def test_what_a_late_worker_adds_is_taken_out_again(feed: Feed, world: Graph) -> None:
    """A worker that read the graph before the cut adds a post after the first look. The second look finds it."""
    world.end(VIEWER, GOES)
    await pass_lease(feed)
    assert await feed.walk(VIEWER, 7) == world.oracle(VIEWER)
    late = entry_of(40, GOES)
    world.post(GOES, 40)
    await feed.timelines.push([VIEWER], late)
    assert late in await feed.walk(VIEWER, 7)
    await pass_lease(feed)
    assert await feed.walk(VIEWER, 7) == world.oracle(VIEWER)
    await pass_lease(feed)
    home = await feed.timelines.whole(VIEWER)
    assert home is not None
    assert home.unleased is not None
    assert home.unleased.cuts == Cuts(world.cuts[VIEWER])


async def test_what_a_late_worker_adds_during_a_build_is_taken_out(feed: Feed, world: Graph) -> None:
    """A build that begins after a cut does not vouch for what workers push meanwhile."""
    home = await feed.timelines.whole(VIEWER)
    assert home is not None
    world.end(VIEWER, GOES)
    world.post(GOES, 40)
    await feed.timelines.drop(VIEWER)
    token = await feed.timelines.begin_build(VIEWER, home.position, 0)
    assert token
    await feed.timelines.push([VIEWER], entry_of(40, GOES))
    kept = [entry for entry in home.entries if author_of(entry) != GOES]
    await feed.timelines.finish_build(VIEWER, token, Window(kept, home.floor), home.pulled, world.cuts[VIEWER])
    await pass_lease(feed)
    assert await feed.walk(VIEWER, 7) == world.oracle(VIEWER)


async def test_a_follow_during_a_look_is_not_lost(feed: Feed, world: Graph) -> None:
    """An author who is followed again while the look takes them out is complete afterwards."""
    world.end(VIEWER, GOES)
    world.follows_meanwhile = (VIEWER, GOES)
    await pass_lease(feed)
    assert await feed.walk(VIEWER, 7) == world.oracle(VIEWER)
    assert any(entry[8:] == GOES.to_bytes(8) for entry in world.oracle(VIEWER))


async def test_without_the_graph_a_page_is_degraded(feed: Feed, world: Graph) -> None:
    """The page is complete and marked as degraded, as nobody knows who was cut. Later pages recover."""
    world.is_away = True
    assert not (await feed.get_feed(VIEWER, "", 5)).is_degraded
    await pass_lease(feed)
    page = await feed.get_feed(VIEWER, "", 5)
    assert page.is_degraded
    assert entries_of(page) == world.oracle(VIEWER)[:5]


async def test_without_the_graph_private_posts_are_left_out(feed: Feed, world: Graph) -> None:
    """Nobody knows who was cut, so authors who are private, or may be, are not shown. A page with a lease shows them."""
    world.private |= {GOES, STAR}
    for author in world.private:
        await feed.apply_privacy(author)
    oracle = world.oracle(VIEWER)
    assert entries_of(await feed.get_feed(VIEWER, "", 100)) == oracle
    world.graph_is_away = world.is_away = True
    assert entries_of(await feed.get_feed(VIEWER, "", 100)) == oracle
    await pass_lease(feed)
    page = await feed.get_feed(VIEWER, "", 100)
    assert page.is_degraded
    assert entries_of(page) == [entry for entry in oracle if author_of(entry) == STAYS]


async def test_public_posts_outlive_their_cards_without_the_graph(feed: Feed, world: Graph) -> None:
    """Cards made while the graph is away do not say what authors are. Those whom it called public before are shown."""
    world.private.add(GOES)
    await feed.apply_privacy(GOES)
    await feed.drop_cards()
    oracle = world.oracle(VIEWER)
    assert entries_of(await feed.get_feed(VIEWER, "", 100)) == oracle
    await pass_lease(feed)
    world.graph_is_away = world.is_away = True
    await feed.drop_cards()
    page = await feed.get_feed(VIEWER, "", 100)
    assert page.is_degraded
    assert all(map(is_unknown, page.items))
    assert entries_of(page) == [entry for entry in oracle if author_of(entry) != GOES]
    # The event of a switch that the graph decided before it went away.
    await feed.apply_privacy(STAYS)
    assert {author_of(entry) for entry in entries_of(await feed.get_feed(VIEWER, "", 100))} == {STAR}
    await feed.apply_privacy(STAR)
    with pytest.raises(UnavailableError):
        await feed.get_feed(VIEWER, "", 100)


async def test_a_graph_that_says_private_is_believed_without_an_event(feed: Feed, world: Graph) -> None:
    """Whoever was public is forgotten when cards are made of a private author, even if the event of the switch is lost."""
    world.private.add(GOES)
    await feed.drop_cards()
    await feed.get_feed(VIEWER, "", 100)
    assert await feed.public_authors.among([STAYS, GOES, STAR]) == {STAYS, STAR}


async def test_a_feed_of_private_authors_fails_without_the_graph(feed: Feed, world: Graph) -> None:
    """If nothing can be shown, the call fails. A page without any item would say that there are no posts."""
    world.private |= {STAYS, GOES, STAR}
    for author in world.private:
        await feed.apply_privacy(author)
    assert await feed.walk(VIEWER, 7) == world.oracle(VIEWER)
    await pass_lease(feed)
    world.graph_is_away = world.is_away = True
    with pytest.raises(UnavailableError):
        await feed.get_feed(VIEWER, "", 5)
    world.graph_is_away = world.is_away = False
    assert await feed.walk(VIEWER, 7) == world.oracle(VIEWER)


async def test_a_page_that_hides_all_its_posts_fails(feed: Feed, world: Graph) -> None:
    """Even if the graph answers again by the end of the read. An empty page would say that there are no older posts."""
    world.private |= {STAYS, GOES, STAR}
    for author in world.private:
        await feed.apply_privacy(author)
    second = (await feed.get_feed(VIEWER, "", 20)).next_cursor
    assert second
    await pass_lease(feed)
    world.is_away = True
    for cursor in ("", second):
        with pytest.raises(UnavailableError):
            await feed.get_feed(VIEWER, cursor, 20)


async def test_cards_say_whether_authors_are_private_soon_after_the_graph_is_back(feed: Feed, world: Graph) -> None:
    """A card that does not say it lives for seconds in Redis, and not in memory."""
    await feed.drop_cards()
    world.graph_is_away = True
    await feed.follow_changes()
    assert all(map(is_unknown, (await feed.get_feed(VIEWER, "", 5)).items))
    keys = await feed.redis.keys("card:*")
    assert [await feed.redis.ttl(key) <= UNKNOWN_TTL_SECONDS for key in keys] == [True] * 5
    assert all(map(is_unknown, (await feed.get_feed(VIEWER, "", 5)).items))
    world.graph_is_away = False
    await feed.drop_cards()
    assert all(map(is_public, (await feed.get_feed(VIEWER, "", 5)).items))
    assert all([await feed.redis.ttl(key) > UNKNOWN_TTL_SECONDS for key in keys])


async def test_a_graph_that_hangs_is_asked_once_a_second(feed: Feed, world: Graph) -> None:
    """One read waits for the graph. Others show the page at once until it is asked again."""
    clock = 0.0
    check = CheckCuts(feed.timelines, world, feed.apply_follow, is_outage, clock=lambda: clock)
    world.hangs, looks = True, world.looks
    found = Unleased(Cuts(), 1)
    assert [await check(VIEWER, found) for _ in range(3)] == [Outcome.UNKNOWN] * 3
    assert world.looks == looks + 1
    world.hangs, clock = False, LOOK_SECONDS
    assert await check(VIEWER, found) is Outcome.SAME


async def test_a_caller_without_patience_keeps_nobody_from_looking(feed: Feed, world: Graph) -> None:
    """After a look that failed by its own call's deadline, the next read looks again."""
    world.end(VIEWER, GOES)
    await pass_lease(feed)
    world.is_late = True
    assert (await feed.get_feed(VIEWER, "", 5)).is_degraded
    world.is_late = False
    assert await feed.walk(VIEWER, 7) == world.oracle(VIEWER)


async def test_a_timeline_that_was_rebuilt_during_a_look_is_read_again(feed: Feed, world: Graph) -> None:
    """A look at a former state of the timeline gives no lease."""
    check = CheckCuts(feed.timelines, world, feed.apply_follow, is_outage)
    await pass_lease(feed)
    assert await check(VIEWER, Unleased(Cuts(5), 1)) is Outcome.CHANGED
    await feed.timelines.drop(VIEWER)
    assert await check(VIEWER, Unleased(Cuts(), 1)) is Outcome.CHANGED
    assert not await feed.redis.exists(LEASE)


@pytest.mark.parametrize(
    ("cuts", "last", "after"),
    [
        (Cuts(), 0, Cuts()),
        (Cuts(5), 5, Cuts(5)),
        (Cuts(5, 6, 1), 5, Cuts(5)),
        (Cuts(5), 6, Cuts(5, 6, 200_000)),
        (Cuts(5, 6, 150_000), 7, Cuts(5, 7, 200_000)),
        (Cuts(5, 6, 200_001 - SETTLE_SECONDS * 1_000), 6, Cuts(5, 6, 200_001 - SETTLE_SECONDS * 1_000)),
        (Cuts(5, 6, 200_000 - SETTLE_SECONDS * 1_000), 6, Cuts(6)),
    ],
)
def test_a_cut_is_known_once_it_has_been_seen_for_a_while(cuts: Cuts, last: int, after: Cuts) -> None:
    """Until then each look takes authors out again. A newer cut starts over."""
    assert after_look(Unleased(cuts, 200_000), last) == after
