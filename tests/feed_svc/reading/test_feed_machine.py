"""A state machine: after any events in any order, walks equal the oracle.

FEED_EXAMPLES is the number of stories (200 unless set), FEED_SEED repeats a run: each prints its own.
"""

import asyncio
import contextlib
import os
import secrets
import sys
import threading
import time
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Any, ClassVar, cast

import pytest
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test
from redis.asyncio import Redis

from feed_svc.card_marks import is_public, is_unknown
from feed_svc.model import author_of
from feed_svc.store.followees import KEEP_SECONDS
from meshkit.errors import UnavailableError
from meshkit.ids import first_id
from meshkit.redis.mux import RedisMux
from tests.feed_svc.examples import run_examples
from tests.feed_svc.world import MAY_LAG_MS, Feed, Sizes, WorkerDiedError, World, entries_of, open_feed

pytestmark = pytest.mark.slow

EXAMPLES = int(os.environ.get("FEED_EXAMPLES", "200"))
SEED = int(os.environ.get("FEED_SEED", secrets.randbits(32)))
STEPS = 30
# Some twelve cards, so that most walks drop some.
CARD_MEMORY = 4_000
PEOPLE = range(1, 6)
# An author with two followers is pulled; one with a single follower, or none, is pushed again.
CELEBRITY_FOLLOWERS = 2
SOME_SIZES = [
    Sizes(),
    Sizes(few=0),
    Sizes(8, 5, 1, 3, 2),
    Sizes(8, 5, 1, 3, 2, few=0),
    Sizes(3, 2, 0, 1, 1, few=1),
    Sizes(8, 200, 2, 64, 20),
    Sizes(500, 3, 1, 2, 1, few=0),
]
# Ids as large as those of 2026: above 2**53, where neighbours are one double.
FIRST_PLACE = first_id(1_767_225_600_000)

LOSSES = ["everything", "a process", "celebrities", "card:*", "timeline:{{{}}}", "author:{{{}}}"]

people = st.sampled_from(PEOPLE)
limits = st.integers(1, 7) | st.sampled_from([20, 100])


@dataclass
class Story:
    """A world, two serving processes over it, and the events not handled yet."""

    redis: "Redis"
    mux: RedisMux
    sizes: Sizes
    world: World = field(default_factory=World)
    clock: int = FIRST_PLACE
    # Whether a cut is lost that was not yet noticed.
    has_lost_cut: bool = False
    # Authors who became private or public, until a worker has heard of it.
    switched: list[int] = field(default_factory=list)
    used: set[tuple[int, int]] = field(default_factory=set)
    unheard: list[Callable[[Feed], Awaitable[None]]] = field(default_factory=list)
    servers: list[Feed] = field(default_factory=list)

    async def start(self, server: int) -> None:
        """Restart a serving process, so that its memory is empty."""
        for former in self.servers[server : server + 1]:
            await former.reader.close()
        self.servers[server : server + 1] = [
            open_feed(
                self.world,
                self.redis,
                self.mux,
                sizes=self.sizes,
                celebrity_followers=CELEBRITY_FOLLOWERS,
                grace_ms=0,
                fresh_seconds=0,
                card_memory=CARD_MEMORY,
            )
        ]

    async def stop(self) -> None:
        """Stop both processes, so that their builds do not write into the next story."""
        for server in self.servers:
            await server.reader.close()

    async def hear(self, which: int, times: int) -> None:
        """Handle an event, and perhaps again."""
        handle = self.unheard.pop(which % len(self.unheard))
        for _ in range(times):
            await handle(self.servers[0])

    async def hear_and_die(self, which: int, after: int) -> None:
        """Let a worker die during an event, which stays unhandled."""
        self.world.calls_left = after
        try:
            await self.unheard[which % len(self.unheard)](self.servers[0])
        except WorkerDiedError:
            pass
        finally:
            self.world.calls_left = None

    async def hear_all(self) -> None:
        """Handle the remaining events, and wait until lost cuts must have been noticed."""
        if self.has_lost_cut:
            await self.wait(MAY_LAG_MS // 1_000 + 1)
            self.has_lost_cut = False
        while self.unheard:
            await self.hear(0, 1)

    async def check(self, limit: int) -> None:
        """Compare all feeds with the oracle."""
        for server in self.servers:
            for viewer in PEOPLE:
                assert await server.walk(viewer, limit) == self.world.oracle(viewer)
                assert all(self.world.sees(viewer, author_of(entry)) for entry in self.world.oracle(viewer))
                await self.check_marks(server, viewer, limit)

    async def check_marks(self, server: Feed, viewer: int, limit: int) -> None:
        """Check that a page says which authors are private, as far as workers have heard of it.

        Cards that were made while follow_svc was down do not say it.
        """
        page = await server.get_feed(viewer, "", limit)
        for entry, card in zip(entries_of(page), page.items, strict=True):
            author = author_of(entry)
            if author not in self.switched and not is_unknown(card):
                assert is_public(card) == (author not in self.world.private)

    async def read_without_graph(self, server: Feed, viewer: int, limit: int) -> None:
        """Read a page while follow_svc is down: it fails, or shows no private author who was cut long ago."""
        self.world.graph_is_away = True
        try:
            await server.follow_changes()
            page = await server.get_feed(viewer, "", limit)
        except UnavailableError:
            return
        finally:
            self.world.graph_is_away = False
        private = self.world.private.difference(self.switched)
        shown = private.intersection(map(author_of, entries_of(page)))
        assert all(self.world.may_show(viewer, author) for author in shown)

    def refresh(self, author: int) -> Callable[[Feed], Awaitable[None]]:
        """Return the event of a changed visibility, which may be heard twice."""
        waiting = True

        async def hear(feed: Feed) -> None:
            nonlocal waiting
            await feed.apply_privacy(author)
            if waiting:
                self.switched.remove(author)
            waiting = False

        return hear

    async def wait(self, seconds: int) -> None:
        """Let time pass: what Redis keeps for less than two minutes, and would have expired by then, goes."""
        self.world.ahead_ms += seconds * 1_000
        now_ms = time.time() * 1_000 + self.world.ahead_ms
        leases = [f"ok:{{{viewer}}}" for viewer in PEOPLE]
        async with self.redis.pipeline(transaction=False) as pipeline:
            for lease in leases:
                pipeline.pexpiretime(lease)
            ends = await pipeline.execute()
        gone = [lease for lease, end_ms in zip(leases, ends, strict=True) if 0 < end_ms < now_ms]
        if seconds > KEEP_SECONDS:
            gone += [f"followees:{{{viewer}}}" for viewer in PEOPLE]
        if gone:
            await self.redis.delete(*gone)

    async def forget(self, pattern: str) -> None:
        """Let some keys expire."""
        if keys := await self.redis.keys(pattern):
            await self.redis.delete(*keys)

    async def lose_everything(self) -> None:
        """Lose all of Redis, its functions and the connections included."""
        await self.redis.flushdb()
        await self.redis.script_flush()
        for server in self.servers:
            if server.memory is not None:
                server.memory.forget()


async def _apply(viewer: int, author: int, feed: Feed) -> None:
    await feed.apply_follow(viewer, author)


async def _fan_out(author: int, place: int, feed: Feed) -> None:
    await feed.fan_out(author, place)


class FeedMachine(RuleBasedStateMachine):
    """The rules run in a thread; what they do runs in the loop where Redis is connected."""

    loop: ClassVar[asyncio.AbstractEventLoop]
    redis: "ClassVar[Redis]"
    mux: ClassVar[RedisMux]
    story: Story

    def do(self, work: Coroutine[Any, Any, None]) -> None:
        """Do it there."""
        asyncio.run_coroutine_threadsafe(work, self.loop).result()

    @initialize(
        sizes=st.sampled_from(SOME_SIZES),
        pairs=st.sets(st.tuples(people, people), max_size=12),
        authors=st.lists(people, max_size=30),
    )
    def begin(self, sizes: Sizes, pairs: set[tuple[int, int]], authors: list[int]) -> None:
        """Begin with given cache sizes, some follows and some old posts."""
        self.story = Story(self.redis, self.mux, sizes)
        self.do(self.story.lose_everything())
        self.story.world.follows |= {pair for pair in pairs if pair[0] != pair[1]}
        for author in authors:
            self.story.clock += 1
            self.story.used.add((author, self.story.clock))
            self.story.world.post(author, self.story.clock)
        for server in range(2):
            self.do(self.story.start(server))

    @rule(author=people, later=st.integers(0, 2), count=st.sampled_from([1, 1, 1, 4]))
    def post(self, author: int, later: int, count: int) -> None:
        """Publish one post or some."""
        story = self.story
        for _ in range(count):
            story.clock += later  # 0: at the very place of another's post, but for the author
            later = 1
            if (author, story.clock) not in story.used:  # an id is made once
                story.used.add((author, story.clock))
                story.world.post(author, story.clock)
                story.unheard.append(partial(_fan_out, author, story.clock))

    @rule(author=people, which=st.integers(0, 30))
    def delete(self, author: int, which: int) -> None:
        """Delete a post."""
        if places := sorted(self.story.world.posts.get(author, ())):
            place = places[which % len(places)]
            self.story.world.delete(author, place)
            self.story.unheard.append(lambda feed: feed.remove_post(author, place))

    @rule(viewer=people, author=people)
    def follow(self, viewer: int, author: int) -> None:
        """Follow, or ask for it. A request has no event that feeds hear."""
        if self.story.world.follow(viewer, author):
            self.story.unheard.append(partial(_apply, viewer, author))

    @rule(which=st.integers(0, 30), how=st.sampled_from(["accept", "accept", "end"]))
    def answer_request(self, which: int, how: str) -> None:
        """Accept a request, or decline or cancel it."""
        if requests := sorted(self.story.world.requests):
            pair = requests[which % len(requests)]
            if how == "end":
                self.story.world.end(*pair)
            else:
                self.story.world.accept(*pair)
                self.story.unheard.append(partial(_apply, *pair))

    @rule(author=people)
    def switch(self, author: int) -> None:
        """Make an account private, or public, which accepts its requests."""
        story = self.story
        story.world.private ^= {author}
        story.switched.append(author)
        story.unheard.append(story.refresh(author))
        if author not in story.world.private:
            for pair in sorted(pair for pair in story.world.requests if pair[1] == author):
                story.world.accept(*pair)
                story.unheard.append(partial(_apply, *pair))

    @rule(viewer=people, author=people)
    def block(self, viewer: int, author: int) -> None:
        """Block somebody, or unblock them, which restores nothing."""
        world = self.story.world
        if (viewer, author) in world.blocks:
            world.blocks.remove((viewer, author))
        elif viewer != author:
            world.block(viewer, author)
            self.story.unheard += [partial(_apply, viewer, author), partial(_apply, author, viewer)]

    @rule(viewer=people, limit=limits, server=st.integers(0, 1))
    def read_without_graph(self, viewer: int, limit: int, server: int) -> None:
        """Read a page while follow_svc is down."""
        self.do(self.story.read_without_graph(self.story.servers[server], viewer, limit))

    @rule(viewer=people, author=people)
    def unfollow(self, viewer: int, author: int) -> None:
        """Unfollow."""
        self.story.world.end(viewer, author)
        self.story.unheard.append(lambda feed: feed.apply_follow(viewer, author))

    @rule(viewer=people, which=st.integers(0, 30), is_mute=st.booleans())
    def lose_a_cut(self, viewer: int, which: int, is_mute: bool) -> None:
        """Unfollow or mute somebody, and lose the event."""
        if authors := sorted(author for follower, author in self.story.world.follows if follower == viewer):
            author = authors[which % len(authors)]
            (self.story.world.mute if is_mute else self.story.world.end)(viewer, author)
            self.story.has_lost_cut = True

    @rule(seconds=st.sampled_from([15, 60, 91, 106, 121]))
    def wait(self, seconds: int) -> None:
        """Let time pass."""
        self.do(self.story.wait(seconds))

    @rule(author=people, which=st.integers(0, 30))
    def remove_follower(self, author: int, which: int) -> None:
        """Remove one of an author's followers."""
        if followers := sorted(viewer for viewer, followed in self.story.world.follows if followed == author):
            self.unfollow(viewer=followers[which % len(followers)], author=author)

    @rule(viewer=people, which=st.integers(0, 30))
    def mute(self, viewer: int, which: int) -> None:
        """Mute a followee, or mute them again."""
        if authors := sorted(author for follower, author in self.story.world.follows if follower == viewer):
            author = authors[which % len(authors)]
            self.story.world.mute(viewer, author)
            self.story.unheard.append(lambda feed: feed.apply_follow(viewer, author))

    @rule(which=st.integers(0, 30))
    def unmute(self, which: int) -> None:
        """Unmute somebody."""
        if mutes := sorted(self.story.world.mutes):
            viewer, author = mutes[which % len(mutes)]
            self.story.world.mutes.remove((viewer, author))
            self.story.unheard.append(lambda feed: feed.apply_follow(viewer, author))

    @rule(author=people, up=st.booleans())
    def cross(self, author: int, up: bool) -> None:
        """Promote or demote an author."""
        followers = [viewer for viewer in PEOPLE if viewer != author]
        for viewer in followers[:3] if up else followers[1:]:
            (self.follow if up else self.unfollow)(viewer=viewer, author=author)

    @rule(author=people, limit=limits)
    def rise_and_fall(self, author: int, limit: int) -> None:
        """Promote an author, read, then demote it: both need a post and a read after it."""
        for up in (True, False):
            self.cross(author=author, up=up)
            self.post_and_settle(author=author, limit=limit)

    @rule(viewer=people, limit=limits, server=st.integers(0, 1))
    def read(self, viewer: int, limit: int, server: int) -> None:
        """Walk a feed."""
        self.do(self.walk(viewer, limit, server))

    async def walk(self, viewer: int, limit: int, server: int) -> None:
        """Walk; if every event is handled, compare with the oracle."""
        shown = await self.story.servers[server].walk(viewer, limit)
        assert shown == sorted(set(shown), reverse=True)
        world = self.story.world
        assert all(world.may_show(viewer, author_of(entry)) for entry in shown)
        if not self.story.unheard and not self.story.has_lost_cut:
            assert shown == self.story.world.oracle(viewer)

    @precondition(lambda self: self.story.unheard)
    @rule(which=st.integers(0, 30), times=st.integers(1, 2))
    def hear(self, which: int, times: int) -> None:
        """Let a worker handle an event, once or twice."""
        self.do(self.story.hear(which, times))

    @precondition(lambda self: self.story.unheard)
    @rule()
    def hear_all(self) -> None:
        """Let workers handle all events."""
        self.do(self.story.hear_all())

    @rule(author=people, limit=limits)
    def post_and_settle(self, author: int, limit: int) -> None:
        """Publish a post and handle its event."""
        self.post(author=author, later=1, count=1)
        self.settle(limit=limit)

    @precondition(lambda self: self.story.unheard)
    @rule(which=st.integers(0, 30), after=st.integers(0, 4))
    def die_of_an_event(self, which: int, after: int) -> None:
        """Let a worker die of an event."""
        self.do(self.story.hear_and_die(which, after))

    @rule(limit=limits)
    def settle(self, limit: int) -> None:
        """Compare all feeds with the oracle once every event is handled."""
        self.do(self.story.hear_all())
        self.do(self.story.check(limit))

    @rule(author=people, other=people, count=st.sampled_from([3, 35]), limit=limits)
    def overtake(self, author: int, other: int, count: int, limit: int) -> None:
        """Handle a post's event after those of many newer posts: its entry comes late, among the newest or far below."""
        self.post(author=author, later=1, count=1)
        late = len(self.story.unheard)
        self.post(author=other, later=1, count=count)
        for _ in range(len(self.story.unheard) - late):
            self.do(self.story.hear(late, 1))
        self.settle(limit=limit)

    @rule(what=st.sampled_from(LOSSES), person=people)
    def lose(self, what: str, person: int) -> None:
        """Lose something of Redis, or of a serving process."""
        match what:
            case "everything":
                self.do(self.story.lose_everything())
            case "a process":
                self.do(self.story.start(person % 2))
            case _:
                self.do(self.story.forget(what.format(person)))

    def teardown(self) -> None:
        """Compare all feeds with the oracle at the end."""
        if hasattr(self, "story"):
            try:
                self.settle(limit=3)
            finally:
                self.do(self.story.stop())


@contextlib.contextmanager
def unmeasured() -> Iterator[None]:
    """Pause coverage, which would take three times as long. Other tests cover the same lines."""
    here, in_threads = sys.gettrace(), threading.gettrace()
    sys.settrace(None)
    threading.settrace(cast("Any", None))  # it takes None, whatever its stub says
    try:
        yield
    finally:
        sys.settrace(here)
        threading.settrace(cast("Any", in_threads))


async def test_walks_equal_the_oracle(redis: "Redis", mux: RedisMux) -> None:
    """After events of all kinds, requests, switches, expiry, losses and restarts in any order, walks equal the oracle."""
    machine = type("Machine", (FeedMachine,), {"loop": asyncio.get_running_loop(), "redis": redis, "mux": mux})
    print("FEED_SEED", SEED)  # noqa: T201 - to repeat a failure
    config = settings(
        # A cluster is slower, and all that differs is where keys lie.
        max_examples=EXAMPLES // 20 if mux.is_cluster else EXAMPLES,
        stateful_step_count=STEPS,
        deadline=None,
        print_blob=True,
        database=None,
        phases=[Phase.generate, Phase.shrink],
        suppress_health_check=list(HealthCheck),
    )
    with unmeasured():
        await run_examples(partial(run_state_machine_as_test, seed(SEED)(machine), settings=config))
