"""Cards in the process's memory, in front of those in Redis."""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence

from feed_svc import page_sources
from feed_svc.card_marks import is_unknown
from feed_svc.model import Entry
from feed_svc.store.card_changes import CardLog
from feed_svc.store.kept_bytes import KeptBytes
from feed_svc.store.port import Cards
from meshkit.redis.outages import RedisOutages
from meshkit.tasks.periodic import pause

# A card that changes is not shown from memory for longer than this, whatever happens to the connection or to the process.
TRUST_SECONDS = 2.0
# How long one read of the log waits for a change.
WAIT_MS = 500
# Changes that are not announced show once a card has left Redis (`CARD_TTL_SECONDS`) and memory.
KEEP_SECONDS = 30.0
PAUSE_SECONDS = 0.5


class CardMemory:
    """Cards of another store, kept while the log of changed cards is followed without a gap.

    If the log cannot be read, all kept cards are dropped and reads go to the store. Only cards that were read from the store
    are kept, and none of a read during which something changed: it may have been answered before the change.
    """

    def __init__(self, cards: Cards, log: CardLog, max_bytes: int, now: Callable[[], float] = time.monotonic) -> None:
        self._cards = cards
        self._log = log
        self._now = now
        self._kept = KeptBytes(max_bytes)
        self._by_entry = self._kept.by_key
        self._position: bytes | None = None
        self._trusted_until = float("-inf")
        self._changes = 0

    async def get(self, entries: Sequence[Entry]) -> list[bytes | None]:
        """Return cards from memory, and the others in one round trip."""
        if self._now() >= self._trusted_until:
            return await self._cards.get(entries)
        found = list(map(self._by_entry.get, entries))
        page_sources.MEMORY.count += len(found) - found.count(None)
        return await self._completed(entries, found) if None in found else found

    async def put(self, cards: Mapping[Entry, bytes]) -> None:
        """Cache cards in the store."""
        await self._cards.put(cards)

    async def put_absent(self, entries: Sequence[Entry]) -> None:
        """Remember in the store that posts do not exist."""
        await self._cards.put_absent(entries)

    async def mark_gone(self, entry: Entry) -> None:
        """Mark a post as deleted in the store, which tells all processes."""
        await self._cards.mark_gone(entry)

    async def drop(self, entries: Sequence[Entry]) -> None:
        """Drop cards from the store, which tells all processes."""
        await self._cards.drop(entries)

    async def run(self, stopping: asyncio.Event) -> None:
        """Follow the log until the process stops."""
        outages = RedisOutages("card_log_not_read")
        while not stopping.is_set():
            with outages.tolerated():
                await self.follow(WAIT_MS)
            if outages.is_away:
                await pause(PAUSE_SECONDS, stopping)

    async def follow(self, wait_ms: int | None = None) -> None:
        """Apply the changes since the last call, or wait for some. Drops everything if they cannot be read."""
        asked_at = self._now()
        try:
            if self._position is None:
                self._position = await self._log.end()
                wait_ms = None  # it is trusted at once
            found = await self._log.after(self._position, wait_ms)
        except BaseException:
            self.forget()
            raise
        self._position = found.position
        if found.entries:
            self._changes += 1
        if found.is_complete:
            for entry in found.entries:
                self._kept.discard(entry)
        else:
            self._kept.clear()
        self._kept.drop_older_than(asked_at - KEEP_SECONDS)
        # What changed before the question was in the answer, however late that arrived.
        self._trusted_until = asked_at + TRUST_SECONDS

    def forget(self) -> None:
        """Drop all cards, and keep none until the log is followed again."""
        self._kept.clear()
        self._changes += 1
        self._position = None
        self._trusted_until = float("-inf")

    async def _completed(self, entries: Sequence[Entry], found: list[bytes | None]) -> list[bytes | None]:
        """Fill the gaps from the store, and keep what it returned."""
        before = self._changes
        missing = [at for at, card in enumerate(found) if card is None]
        read = await self._cards.get([entries[at] for at in missing])
        is_current = before == self._changes
        now = self._now()
        for at, card in zip(missing, read, strict=True):
            found[at] = card
            # Empty cards are few. Some of them are short-lived, and so is a card that does not say whether its author is private.
            if card and is_current and not is_unknown(card):
                self._kept.keep(entries[at], card, now)
        return found
