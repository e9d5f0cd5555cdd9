"""An in-memory world of users and posts behind feed_svc's ports, with an oracle for feeds."""

import contextlib
import math
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field

from redis.asyncio import Redis
from redis.exceptions import RedisError

from feed_svc.card_marks import PRIVATE, PUBLIC, UNKNOWN
from feed_svc.fan_out.apply_follow import ApplyFollow
from feed_svc.fan_out.apply_privacy import ApplyPrivacy
from feed_svc.fan_out.chunks import FanOutChunk, FollowerPage
from feed_svc.fan_out.fan_out_post import FanOut
from feed_svc.fan_out.push_to_followers import PushToFollowers
from feed_svc.fan_out.refresh_author import RefreshAuthor
from feed_svc.fan_out.remove_post import RemovePost
from feed_svc.model import ENTRY_SIZE, Entry, HomeWindow, Places, Unleased, author_of, entry_of, place_of
from feed_svc.reading.get_feed import FeedPage, GetFeed
from feed_svc.reading.old_pages import OldPages
from feed_svc.reading.read_unbuilt import FEW, UNBUILT_SECONDS
from feed_svc.reading.read_with_fallback import PRIMARY_SECONDS, ReadWithFallback
from feed_svc.reading.readers import open_skeleton
from feed_svc.store.author_timelines import RedisAuthorTimelines
from feed_svc.store.card_changes import CardLog
from feed_svc.store.card_memory import CardMemory
from feed_svc.store.cards import RedisCards
from feed_svc.store.celebrities import RedisCelebrities
from feed_svc.store.followees import RedisFollowees
from feed_svc.store.public_authors import RedisPublicAuthors
from feed_svc.store.recent_unfollows import RedisRecentUnfollows
from feed_svc.store.timelines import RedisTimelines
from meshkit.cursors import Cursors
from meshkit.errors import UnavailableError
from meshkit.grpc.status import is_outage
from meshkit.ids import new_id
from meshkit.redis.mux import RedisMux

FOLLOWERS_PAGE = 2
# Within this time a cut must show, whatever events were lost.
MAY_LAG_MS = 120_000


class WorkerDiedError(Exception):
    """A worker died during an event."""


@dataclass
class World:
    """The truth: who follows, mutes and blocks whom, and what is posted. Implements Graph, Posts and CardSource."""

    follows: set[tuple[int, int]] = field(default_factory=set)
    mutes: set[tuple[int, int]] = field(default_factory=set)
    requests: set[tuple[int, int]] = field(default_factory=set)
    blocks: set[tuple[int, int]] = field(default_factory=set)
    private: set[int] = field(default_factory=set)
    posts: dict[int, set[int]] = field(default_factory=dict)
    made: int = 0
    cuts: dict[int, int] = field(default_factory=dict)
    # When each author was last cut from a viewer's feed, by the made-up clock, and how far that is ahead of Redis' clock.
    cut_at: dict[tuple[int, int], int] = field(default_factory=dict)
    ahead_ms: int = 0
    # After this many calls, the caller dies.
    calls_left: int | None = None
    graph_is_away: bool = False

    def oracle(self, viewer: int) -> list[Entry]:
        """Return every entry of a viewer's feed: all posts of the followees that are not muted, newest first."""
        return sorted(
            (
                entry_of(place, author)
                for follower, author in self.follows - self.mutes
                if follower == viewer
                for place in self._of(author)
            ),
            reverse=True,
        )

    def sees(self, viewer: int, author: int) -> bool:
        """Tell whether a viewer may see an author's posts."""
        if viewer == author:
            return True
        if self.blocks & {(viewer, author), (author, viewer)}:
            return False
        return author not in self.private or (viewer, author) in self.follows

    def follow(self, viewer: int, author: int) -> bool:
        """Follow an author, or ask a private one for it. Returns whether the viewer follows."""
        pair = (viewer, author)
        if pair in self.follows:
            return True
        if viewer == author or self.blocks & {pair, (author, viewer)}:
            return False
        if author in self.private:
            self.requests.add(pair)
            return False
        self.follows.add(pair)
        return True

    def accept(self, viewer: int, author: int) -> None:
        """Turn a request into a follow."""
        self.requests.remove((viewer, author))
        self.follows.add((viewer, author))

    def block(self, viewer: int, author: int) -> None:
        """Block an author, which ends what they are to each other."""
        self.blocks.add((viewer, author))
        self.end(viewer, author)
        self.end(author, viewer)

    def end(self, viewer: int, author: int) -> None:
        """End a follow and its mute, or a request."""
        self._cut(viewer, author)
        self.follows.discard((viewer, author))
        self.mutes.discard((viewer, author))
        self.requests.discard((viewer, author))

    def mute(self, viewer: int, author: int) -> None:
        """Mute an author if the viewer follows them."""
        if (viewer, author) in self.follows:
            self._cut(viewer, author)
            self.mutes.add((viewer, author))

    def _cut(self, viewer: int, author: int) -> None:
        if (viewer, author) in self.follows - self.mutes:
            self.cuts[viewer] = new_id()
            self.cut_at[viewer, author] = self.ahead_ms

    def may_show(self, viewer: int, author: int) -> bool:
        """Tell whether a page may show an author: one who is followed and not muted, or was until two minutes ago."""
        cut_at = self.cut_at.get((viewer, author), -math.inf)
        return (viewer, author) in self.follows - self.mutes or self.ahead_ms - cut_at <= MAY_LAG_MS

    def post(self, author: int, place: int) -> None:
        """Publish."""
        self.posts.setdefault(author, set()).add(place)

    def delete(self, author: int, place: int) -> None:
        """Delete."""
        self.posts[author].remove(place)

    async def follower_page(self, author_id: int, token: str) -> FollowerPage:
        """Return a small page: the followers above the one that the token names, without those who muted the author."""
        self._ask_graph()
        after = int(token or -1)
        found = sorted(follower for follower, author in self.follows if author == author_id and follower > after)
        page = found[:FOLLOWERS_PAGE]
        unmuted = [viewer for viewer in page if (viewer, author_id) not in self.mutes]
        return FollowerPage(unmuted, str(page[-1]) if len(found) > len(page) else "")

    async def followees(self, viewer: int) -> list[int]:
        """Return all followees that are not muted."""
        self._ask_graph()
        return sorted(author for follower, author in self.follows - self.mutes if follower == viewer)

    async def followees_and_cut(self, viewer: int) -> tuple[list[int], int]:
        """Return the last cut, too."""
        return await self.followees(viewer), self.cuts.get(viewer, 0)

    async def last_cut(self, viewer: int) -> int:
        """Return the last cut."""
        self._ask_graph()
        return self.cuts.get(viewer, 0)

    async def follows_anybody(self, viewer: int) -> bool:
        """Tell whether there is a followee, muted or not."""
        self._ask_graph()
        return any(follower == viewer for follower, _ in self.follows)

    async def is_following(self, viewer: int, author_id: int) -> bool:
        """Check one pair."""
        self._ask_graph()
        return (viewer, author_id) in self.follows - self.mutes

    async def followed_among(self, viewer: int, author_ids: Sequence[int]) -> set[int]:
        """Filter."""
        self._ask_graph()
        return {author for author in author_ids if (viewer, author) in self.follows - self.mutes}

    async def follower_count(self, author_id: int) -> int:
        """Count, including those who muted the author."""
        self._ask_graph()
        return sum(author == author_id for _, author in self.follows)

    async def newest(self, author_ids: Sequence[int], below_place: int | None, limit: int) -> list[Places]:
        """Return the newest places of each author."""
        self._count_down()
        return [self._newest(author, below_place, limit) for author in author_ids]

    async def make(self, entries: Sequence[Entry]) -> Mapping[Entry, bytes]:
        """Return a card of each post that exists: its entry, and what the graph says of its author."""
        self.made += len(entries)
        return {
            entry: card_of(entry, self._mark_of(author_of(entry)))
            for entry in entries
            if place_of(entry) in self._of(author_of(entry))
        }

    def _mark_of(self, author: int) -> bytes:
        if self.graph_is_away:
            return UNKNOWN
        return PRIVATE if author in self.private else PUBLIC

    def _ask_graph(self) -> None:
        if self.graph_is_away:
            raise UnavailableError
        self._count_down()

    def _count_down(self) -> None:
        if self.calls_left is not None:
            self.calls_left -= 1
            if self.calls_left < 0:
                raise WorkerDiedError

    def _of(self, author: int) -> set[int]:
        return self.posts.get(author, set())

    def _newest(self, author: int, below_place: int | None, limit: int) -> Places:
        found = sorted(
            (place for place in self._of(author) if below_place is None or place < below_place), reverse=True
        )
        return Places(author, found[:limit], len(found) < limit)


def card_of(entry: Entry, mark: bytes = PUBLIC) -> bytes:
    """Return the card that this world makes for an entry."""
    return b"card " + entry + mark


class WorldTimelines(RedisTimelines):
    """Timelines whose reads say what time it is by a world's clock. Redis' own is behind it."""

    def __init__(self, world: World, mux: RedisMux, *, ttl_seconds: int, length: int, slack: int) -> None:
        super().__init__(mux, ttl_seconds=ttl_seconds, length=length, slack=slack)
        self._world = world

    async def read(self, viewer: int, below: Entry | None, limit: int) -> HomeWindow | None:
        """Read a timeline by the world's clock."""
        home = await super().read(viewer, below, limit)
        if home is None or home.unleased is None:
            return home
        cuts, now_ms = home.unleased
        return home._replace(unleased=Unleased(cuts, now_ms + self._world.ahead_ms))


class WorldChunks:
    """Chunks that are done at once, unless `hear` is replaced."""

    def __init__(self) -> None:
        self.hear: Callable[[FanOutChunk], Awaitable[bool | None]]

    async def add(self, chunk: FanOutChunk) -> bool:
        """Pass the chunk to `hear`."""
        return await self.hear(chunk) is not False


@dataclass(frozen=True)
class Feed:
    """feed_svc's use cases over a world and a real Redis."""

    world: World
    redis: "Redis"
    timelines: RedisTimelines
    authors: RedisAuthorTimelines
    celebrities: RedisCelebrities
    recent_unfollows: RedisRecentUnfollows
    cards: RedisCards
    memory: CardMemory | None
    public_authors: RedisPublicAuthors
    get_feed: GetFeed
    fan_out: FanOut
    remove_post: RemovePost
    apply_follow: ApplyFollow
    refresh_author: RefreshAuthor
    apply_privacy: ApplyPrivacy
    push_to_followers: PushToFollowers
    chunks: WorldChunks
    reader: ReadWithFallback

    async def walk(self, viewer: int, limit: int) -> list[Entry]:
        """Walk pages from the top to the end; returns all entries that were shown."""
        shown: list[Entry] = []
        cursor = ""
        await self.follow_changes()
        while True:
            page = await self.get_feed(viewer, cursor, limit)
            shown += entries_of(page)
            assert len(page.items) <= limit
            if page.next_cursor is None:
                return shown
            assert page.items, "a page that is not the last has items"
            cursor = page.next_cursor

    async def drop_cards(self) -> None:
        """Let all cards expire."""
        if keys := await self.redis.keys("card:*"):
            await self.redis.delete(*keys)

    async def follow_changes(self) -> None:
        """Let the memory learn of changed cards, as a process does all the time."""
        if self.memory is not None:
            with contextlib.suppress(RedisError, OSError):
                await self.memory.follow()


def entries_of(page: FeedPage) -> list[Entry]:
    """Return the entries of a page's cards."""
    return [item.removeprefix(b"card ")[:ENTRY_SIZE] for item in page.items]


@dataclass(frozen=True)
class Sizes:
    """The sizes of caches. With small ones, few posts are needed to get below them."""

    length: int = 500
    author_length: int = 200
    slack: int = 20
    window: int = 64
    build_count: int = 20
    few: int = FEW


USUAL = Sizes()


_readers: list[ReadWithFallback] = []


async def close_feeds() -> None:
    """Stop the builds of all feeds that were opened."""
    while _readers:
        await _readers.pop().close()


def open_feed(
    world: World,
    redis: "Redis",
    mux: RedisMux,
    *,
    sizes: Sizes = USUAL,
    ttl_seconds: int = 3_600,
    celebrity_followers: int = 100_000,
    grace_ms: int = 600_000,
    fresh_seconds: float = 1.0,
    seconds: float = PRIMARY_SECONDS,
    unbuilt_seconds: float = UNBUILT_SECONDS,
    old_pages: OldPages | None = None,
    card_memory: int = 0,
) -> Feed:
    """Connect everything like the composition root. `card_memory` is in bytes."""
    timelines = WorldTimelines(world, mux, ttl_seconds=ttl_seconds, length=sizes.length, slack=sizes.slack)
    recent_unfollows = RedisRecentUnfollows(redis)
    followees = RedisFollowees(mux)
    celebrities = RedisCelebrities(mux, threshold=celebrity_followers, grace_ms=grace_ms, keep_ms=10_000_000)
    authors = RedisAuthorTimelines(mux, length=sizes.author_length, slack=sizes.slack)
    cards = RedisCards(mux)
    public_authors = RedisPublicAuthors(mux)
    refresh_author = RefreshAuthor(world, cards)
    chunks = WorldChunks()
    follow = ApplyFollow(world, world, timelines, recent_unfollows, celebrities, followees)
    push_to_followers = PushToFollowers(world, timelines, recent_unfollows, follow, chunks, lambda *_: None)
    chunks.hear = push_to_followers.continue_chunk
    reader = open_skeleton(
        timelines,
        authors,
        celebrities,
        recent_unfollows,
        followees,
        world,
        world,
        is_outage=is_outage,
        grace_ms=grace_ms,
        fresh_seconds=fresh_seconds,
        window=sizes.window,
        build_count=sizes.build_count,
        few=sizes.few,
        unbuilt_seconds=unbuilt_seconds,
        seconds=seconds,
        old_pages=old_pages,
    )
    memory = CardMemory(cards, CardLog(redis), card_memory) if card_memory else None
    cursors = Cursors(["a key of the tests"], "feed")
    _readers.append(reader)
    get_feed = GetFeed(reader, memory or cards, public_authors, world, world, cursors, is_outage)
    return Feed(
        world,
        redis,
        timelines,
        authors,
        celebrities,
        recent_unfollows,
        cards,
        memory,
        public_authors,
        get_feed,
        FanOut(world, authors, celebrities, push_to_followers),
        RemovePost(cards, authors, celebrities, push_to_followers, grace_ms),
        follow,
        refresh_author,
        ApplyPrivacy(public_authors, refresh_author),
        push_to_followers,
        chunks,
        reader,
    )
