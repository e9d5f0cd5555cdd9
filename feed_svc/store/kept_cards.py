"""Cards by entry, bounded by bytes and age; the oldest leave first."""

from collections import deque

from feed_svc.model import Entry

# What a card takes besides its bytes: its entry, and its places in the dictionary and the queue.
OVERHEAD = 300


class KeptCards:
    """A dictionary and the order in which it was filled.

    `by_entry` is read directly, 20 times for each page: a method of Python would take five times as long.
    """

    def __init__(self, max_bytes: int) -> None:
        self.by_entry: dict[Entry, bytes] = {}
        self._max_bytes = max_bytes
        self._bytes = 0
        self._order: deque[tuple[float, Entry, bytes]] = deque()

    def keep(self, entry: Entry, card: bytes, now: float) -> None:
        """Keep a card, and drop the oldest ones if there are too many bytes."""
        if entry in self.by_entry:
            return
        self.by_entry[entry] = card
        self._order.append((now, entry, card))
        self._bytes += len(card) + OVERHEAD
        while self._bytes > self._max_bytes:
            self._drop_oldest()

    def discard(self, entry: Entry) -> None:
        """Drop a card. Its bytes count until it is the oldest one."""
        self.by_entry.pop(entry, None)

    def drop_older_than(self, moment: float) -> None:
        """Drop the cards that were kept before a moment."""
        while self._order and self._order[0][0] < moment:
            self._drop_oldest()

    def clear(self) -> None:
        """Drop all cards."""
        self.by_entry.clear()
        self._order.clear()
        self._bytes = 0

    def _drop_oldest(self) -> None:
        _, entry, card = self._order.popleft()
        self._bytes -= len(card) + OVERHEAD
        if self.by_entry.get(entry) is card:  # it was not discarded, nor kept again since
            del self.by_entry[entry]
