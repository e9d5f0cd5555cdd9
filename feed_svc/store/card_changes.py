"""The log of cards that are gone or out of date. Processes that keep cards in memory follow it."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from redis.asyncio import Redis
from redis.exceptions import ResponseError

from feed_svc.model import ENTRY_SIZE, Entry
from meshkit.redis.mux import RedisMux

# A stream. Each item names the entries of one change, one after another.
KEY = "cards:changed"
# Far more changes than happen while a reader may be behind.
LENGTH = 10_000
BEGINNING = b"0-0"
_FIELD = b"entries"


class CardChanges(NamedTuple):
    """The entries whose cards changed after a position, and where to continue.

    `is_complete` is False if older changes may have been missed.
    """

    entries: Sequence[Entry]
    position: bytes
    is_complete: bool


class CardLog:
    """The log as its readers see it."""

    def __init__(self, redis: "Redis") -> None:
        self._redis = redis

    async def end(self) -> bytes:
        """Return the position of the newest change."""
        try:
            end: Any = (await self._redis.xinfo_stream(KEY))["last-generated-id"]
        except ResponseError:
            return BEGINNING  # nothing has changed yet
        return end.encode() if isinstance(end, str) else bytes(end)

    async def after(self, position: bytes, wait_ms: int | None = None) -> CardChanges:
        """Return the changes after a position, if there are none after waiting for them."""
        answer: Any = await self._redis.xread({KEY: position}, block=wait_ms)
        if not answer:
            return CardChanges((), position, is_complete=True)
        [found] = answer.values() if isinstance(answer, dict) else [items for _, items in answer]
        items = found[0] if isinstance(answer, dict) else found
        entries = [entry for _, fields in items for entry in _split(fields[_FIELD])]
        # As many as the log keeps: it may have dropped some before them.
        return CardChanges(entries, items[-1][0], is_complete=len(items) < LENGTH)


async def announce(mux: RedisMux, entries: Sequence[Entry]) -> None:
    """Tell all processes that cards have changed. Call this after the change."""
    if not entries:
        return
    await mux.execute("XADD", KEY, "MAXLEN", "~", LENGTH, "*", _FIELD, b"".join(entries))


def _split(packed: bytes) -> list[Entry]:
    return [packed[start : start + ENTRY_SIZE] for start in range(0, len(packed), ENTRY_SIZE)]
