"""Cards in Redis. They stay bytes: a page is assembled without parsing a card."""

from collections.abc import Mapping, Sequence

from feed_svc import page_sources
from feed_svc.card_marks import is_unknown
from feed_svc.model import Entry
from feed_svc.store.card_changes import announce
from feed_svc.store.port import GONE
from meshkit.redis.mux import RedisMux

# Together with the time in processes' memory (card_memory.py), as long as a feed may lag: two minutes.
CARD_TTL_SECONDS = 90
# A card that does not say whether its author is private. Short, so that cards say it soon after follow_svc is back; long enough
# that hot posts are not made again for each reader meanwhile.
UNKNOWN_TTL_SECONDS = 15
# Longer than a reader can take between reading a post from the store and caching its card.
GONE_TTL_SECONDS = 600
# A post that a reader did not find. Short, as it may still be on its way to the store's replicas.
ABSENT_TTL_SECONDS = 30
_DROP = "if redis.call('STRLEN', KEYS[1]) > 0 then redis.call('DEL', KEYS[1]) end"


class RedisCards:
    """Cards over the multiplexed connection."""

    def __init__(self, mux: RedisMux) -> None:
        self._mux = mux

    async def get(self, entries: Sequence[Entry]) -> list[bytes | None]:
        """Read cards in one round trip."""
        found = await self._mux.get_many([_key(entry) for entry in entries])
        page_sources.REDIS.count += len(found) - found.count(None)
        return found

    async def put(self, cards: Mapping[Entry, bytes]) -> None:
        """Cache cards. With NX, because an existing one is newer, or marks the post as gone."""
        await self._mux.execute_many(
            [("SET", _key(entry), card, "EX", _ttl_seconds(card), "NX") for entry, card in cards.items()]
        )

    async def put_absent(self, entries: Sequence[Entry]) -> None:
        """Put empty cards; NX, because an existing card is newer."""
        await self._mux.execute_many([("SET", _key(entry), GONE, "EX", ABSENT_TTL_SECONDS, "NX") for entry in entries])

    async def mark_gone(self, entry: Entry) -> None:
        """Write the empty card, and tell who has the former one in memory."""
        await self._mux.execute("SET", _key(entry), GONE, "EX", GONE_TTL_SECONDS)
        await announce(self._mux, [entry])

    async def drop(self, entries: Sequence[Entry]) -> None:
        """Drop cards that are not empty, and tell who has them in memory."""
        await self._mux.execute_many([("EVAL", _DROP, 1, _key(entry)) for entry in entries])
        await announce(self._mux, entries)


def _ttl_seconds(card: bytes) -> int:
    return UNKNOWN_TTL_SECONDS if is_unknown(card) else CARD_TTL_SECONDS


def _key(entry: Entry) -> bytes:
    return b"card:" + entry
