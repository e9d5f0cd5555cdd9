"""Reads a page of a home feed: skeleton → hydrate → rules → present. Two round trips to Redis when cached."""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from enum import Enum
from typing import NamedTuple

from feed_svc import page_sources
from feed_svc.card_marks import is_private, is_public, is_unknown
from feed_svc.model import ENTRY_SIZE, Entry, Skeleton, author_of
from feed_svc.ports import CardSource, Graph, IsOutage
from feed_svc.reading.read_with_fallback import ReadWithFallback
from feed_svc.store.port import GONE, Cards
from feed_svc.store.public_authors_port import PublicAuthors
from meshkit.call import mark_gate_asked
from meshkit.cursors import Cursors, invalid_cursor
from meshkit.errors import UnavailableError
from meshkit.paging import fitting

# Stop waiting for missing cards after this long and return a partial page.
CARD_SECONDS = 5.0


class EmptyReason(Enum):
    """Why a first page is empty."""

    FOLLOWS_NOBODY = "FOLLOWS_NOBODY"
    NO_POSTS_YET = "NO_POSTS_YET"


class FeedPage(NamedTuple):
    """Serialized items, newest first. Without `next_cursor` the feed has ended."""

    items: Sequence[bytes]
    next_cursor: str | None = None
    empty_reason: EmptyReason | None = None
    is_degraded: bool = False
    """A part was down, and items may be missing."""


class GetFeed:
    """Reads pages of home feeds."""

    def __init__(
        self,
        skeleton: ReadWithFallback,
        cards: Cards,
        public_authors: PublicAuthors,
        source: CardSource,
        graph: Graph,
        cursors: Cursors,
        is_outage: IsOutage,
    ) -> None:
        self._skeleton = skeleton
        self._cards = cards
        self._public_authors = public_authors
        self._source = source
        self._graph = graph
        self._cursors = cursors
        self._is_outage = is_outage

    async def __call__(self, viewer: int, cursor: str, limit: int) -> FeedPage:
        """Return the page of `viewer`'s feed below `cursor` (empty: the first) with at most `limit` items.

        Deleted posts that are still in the timeline are left out. A page is only empty if there are no older posts. It ends
        early when it gets too large.
        While a part is down, a page may lack items and is marked as degraded. If nobody can say who is still followed, it lacks
        the posts of private authors. Raises InvalidArgumentError (CURSOR_INVALID), and the part's error, or UnavailableError, if
        there are older posts and none can be shown.
        """
        below = self._position(viewer, cursor)
        hides_some = False
        while True:
            skeleton = await self._skeleton(viewer, below, limit)
            mark_gate_asked()  # only followed authors have entries, which the timeline's lease or the graph vouches for
            cards = await self._hydrate(skeleton.entries)
            if not skeleton.is_checked:
                shown = without_private(skeleton.entries, cards, await self._known_public(skeleton.entries, cards))
                hides_some = hides_some or shown != cards
                cards = shown
            if None in cards:
                skeleton = cut_after_last_card(skeleton, cards)
            skeleton = cut_to_size(skeleton, cards)
            items = [card for card in cards[: len(skeleton.entries)] if card]
            if items or skeleton.is_end:
                break
            below = skeleton.entries[-1]
        if hides_some and not items:
            raise UnavailableError
        next_cursor = None if skeleton.is_end else self._cursors.encode(viewer, skeleton.entries[-1])
        reason = await self._empty_reason(viewer) if not items and not cursor else None
        return FeedPage(items, next_cursor, reason, skeleton.is_degraded)

    def _position(self, viewer: int, cursor: str) -> Entry | None:
        if not cursor:
            return None
        position = self._cursors.decode(viewer, cursor)
        if len(position) != ENTRY_SIZE:
            raise invalid_cursor()
        return position

    async def _hydrate(self, entries: Sequence[Entry]) -> list[bytes | None]:
        """Return the card of each entry: an empty one for a post that is gone, None for one that cannot be made now."""
        cards = await self._known_cards(entries)
        return await self._completed(entries, cards) if None in cards else cards

    async def _known_cards(self, entries: Sequence[Entry]) -> list[bytes | None]:
        try:
            return await self._cards.get(entries)
        except Exception as error:
            if not self._is_outage(error):
                raise
            return [None] * len(entries)

    async def _completed(self, entries: Sequence[Entry], cards: list[bytes | None]) -> list[bytes | None]:
        """Make and cache the missing cards."""
        unknown = [entry for entry, card in zip(entries, cards, strict=True) if card is None]
        try:
            async with asyncio.timeout(CARD_SECONDS):
                made = await self._source.make(unknown)
        except Exception as error:
            if not self._is_outage(error) or not any(cards):
                raise
            return cards
        page_sources.MADE.count += len(made)
        await self._cache(made, [entry for entry in unknown if entry not in made])
        return [made.get(entry, GONE) if card is None else card for entry, card in zip(entries, cards, strict=True)]

    async def _cache(self, made: Mapping[Entry, bytes], absent: Sequence[Entry]) -> None:
        public = {author_of(entry) for entry, card in made.items() if is_public(card)}
        private = {author_of(entry) for entry, card in made.items() if is_private(card)}
        try:
            if made:
                await asyncio.gather(
                    self._cards.put(made), self._public_authors.add(public), self._public_authors.forget(private)
                )
            if absent:
                await self._cards.put_absent(absent)
        except Exception as error:
            if not self._is_outage(error):
                raise

    async def _known_public(self, entries: Sequence[Entry], cards: Sequence[bytes | None]) -> set[int]:
        """Return the authors who were public before follow_svc went away, among those whose cards do not say it."""
        unknown = {author_of(entry) for entry, card in zip(entries, cards, strict=True) if card and is_unknown(card)}
        if not unknown:
            return unknown
        try:
            return await self._public_authors.among(unknown)
        except Exception as error:
            if not self._is_outage(error):
                raise
            return set()

    async def _empty_reason(self, viewer: int) -> EmptyReason:
        follows = await self._graph.follows_anybody(viewer)
        return EmptyReason.NO_POSTS_YET if follows else EmptyReason.FOLLOWS_NOBODY


def without_private(
    entries: Sequence[Entry], cards: Sequence[bytes | None], public: Collection[int]
) -> list[bytes | None]:
    """Leave out the cards of authors who are not known to be public, by the card or as one of `public`."""
    return [
        card if not card or is_public(card) or (is_unknown(card) and author_of(entry) in public) else GONE
        for entry, card in zip(entries, cards, strict=True)
    ]


def cut_after_last_card(skeleton: Skeleton, cards: Sequence[bytes | None]) -> Skeleton:
    """Cut the page after its last known card. The next page continues from there."""
    known = next((at for at in range(len(cards), 0, -1) if cards[at - 1] is not None), 0)
    is_end = skeleton.is_end and known == len(cards)
    return Skeleton(skeleton.entries[:known], is_end, is_degraded=True)


def cut_to_size(skeleton: Skeleton, cards: Sequence[bytes | None]) -> Skeleton:
    """Cut the page where its cards have too many bytes."""
    fit = fitting([len(card or b"") for card in cards[: len(skeleton.entries)]])
    if fit == len(skeleton.entries):
        return skeleton
    return Skeleton(skeleton.entries[:fit], is_end=False, is_degraded=skeleton.is_degraded)
