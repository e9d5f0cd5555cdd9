"""Cards as JSON, each made once and kept in the process's memory."""

import time
from collections.abc import Callable, Sequence

from lensfeed.feed.v1 import feed_service_pb2

from feed_svc.presenting.json_printer import printer_of
from feed_svc.store.kept_bytes import KeptBytes

# The JSON of a card that nobody reads any more leaves after this long, as that of a deleted post does.
KEEP_SECONDS = 300.0
_show = printer_of(feed_service_pb2.FeedItem.DESCRIPTOR)


class JsonCards:
    """Turns cards into JSON.

    JSON is kept by the card that it was made of. So it cannot be out of date: another card has other JSON, and JSON without
    its card is never asked for.
    """

    def __init__(self, max_bytes: int, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._kept = KeptBytes(max_bytes)

    def __call__(self, cards: Sequence[bytes]) -> list[bytes]:
        """Return the JSON of each card."""
        now = self._now()
        self._kept.drop_older_than(now - KEEP_SECONDS)
        found = list(map(self._kept.by_key.get, cards))
        return [self._make(card, now) if made is None else made for card, made in zip(cards, found, strict=True)]

    def _make(self, card: bytes, now: float) -> bytes:
        made = _show(feed_service_pb2.FeedItem.FromString(card)).encode()
        self._kept.keep(card, made, now)
        return made
