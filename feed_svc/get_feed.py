"""A page of a home feed: skeleton → hydrate → rules → present. Warm, that is two round trips to Redis."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum

from feed_svc.model import ENTRY_SIZE, LOWEST, Entry, Skeleton, Window
from feed_svc.ports import CardSource, Graph
from feed_svc.read_store import ReadStore
from feed_svc.rebuild_timeline import RebuildTimeline
from feed_svc.store.port import Cards, Timelines
from meshkit.cursors import Cursors, invalid_cursor


class EmptyReason(Enum):
    """Why a first page is empty."""

    FOLLOWS_NOBODY = "FOLLOWS_NOBODY"
    NO_POSTS_YET = "NO_POSTS_YET"


@dataclass(frozen=True, slots=True)
class FeedPage:
    """A page: serialized items, newest first. Without `next_cursor` the feed has ended."""

    items: Sequence[bytes]
    next_cursor: str | None = None
    empty_reason: EmptyReason | None = None


class GetFeed:
    """Reads pages."""

    def __init__(
        self,
        timelines: Timelines,
        cards: Cards,
        rebuild: RebuildTimeline,
        store: ReadStore,
        source: CardSource,
        graph: Graph,
        cursors: Cursors,
    ) -> None:
        self._timelines = timelines
        self._cards = cards
        self._rebuild = rebuild
        self._store = store
        self._source = source
        self._graph = graph
        self._cursors = cursors

    async def __call__(self, viewer: int, cursor: str, limit: int) -> FeedPage:
        """Return the page of `viewer`'s feed below `cursor` (empty: the first) with at most `limit` items.

        A post that was deleted but still stands in the timeline is left out; a page is empty only where nothing is below it.
        Raises InvalidArgumentError (CURSOR_INVALID).
        """
        below = self._position(viewer, cursor)
        while True:
            skeleton = await self._skeleton(viewer, below, limit)
            items = visible(skeleton.entries, await self._hydrate(skeleton.entries))
            if items or skeleton.is_end:
                break
            below = skeleton.entries[-1]
        next_cursor = None if skeleton.is_end else self._cursors.encode(viewer, skeleton.entries[-1])
        reason = await self._empty_reason(viewer) if not items and not cursor else None
        return FeedPage(items, next_cursor, reason)

    def _position(self, viewer: int, cursor: str) -> Entry | None:
        if not cursor:
            return None
        position = self._cursors.decode(viewer, cursor)
        if len(position) != ENTRY_SIZE:
            raise invalid_cursor()
        return position

    async def _skeleton(self, viewer: int, below: Entry | None, limit: int) -> Skeleton:
        """Return the page's entries: from the timeline, and where that ends above the feed's end, from the store."""
        while (window := await self._timelines.read(viewer, below, limit + 1)) is None:
            await self._rebuild(viewer)
        entries = list(window.entries)
        if len(entries) <= limit and window.floor != LOWEST:
            deepest = _deepest(below, window)
            entries += await self._store.below(viewer, deepest, limit + 1 - len(entries))
        return Skeleton(entries[:limit], is_end=len(entries) <= limit)

    async def _hydrate(self, entries: Sequence[Entry]) -> Mapping[Entry, bytes | None]:
        """Return the entries' cards; those that the cache does not have are made, and kept."""
        if not entries:
            return {}
        cards = dict(zip(entries, await self._cards.get(entries), strict=True))
        unknown = [entry for entry, card in cards.items() if card is None]
        if unknown:
            made = await self._source.make(unknown)
            if made:
                await self._cards.put(made)
            cards.update(made)
        return cards

    async def _empty_reason(self, viewer: int) -> EmptyReason:
        follows = await self._graph.follows_anybody(viewer)
        return EmptyReason.NO_POSTS_YET if follows else EmptyReason.FOLLOWS_NOBODY


def visible(entries: Sequence[Entry], cards: Mapping[Entry, bytes | None]) -> list[bytes]:
    """Return the cards to show: those of posts that exist, in the entries' order."""
    return [card for entry in entries if (card := cards.get(entry))]


def _deepest(below: Entry | None, window: Window) -> Entry:
    """Return the exclusive bound from which the store goes on below a window.

    The floor itself was cut off the timeline, or stands for an author's last known post: it is not in the window.
    """
    above_floor = window.floor + b"\x00"
    return above_floor if below is None else min(below, above_floor)
