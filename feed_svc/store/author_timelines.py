"""Author timelines in Redis. They have the form of home timelines, without pulled authors and log position."""

from collections.abc import Mapping, Sequence
from typing import Any

from feed_svc.model import ENTRY_SIZE, Entry, Window, author_of
from feed_svc.store import scripts
from feed_svc.store.builds import BUILD_TTL_SECONDS, new_token, oldest_alive
from feed_svc.store.former_timelines import former_author, remove_former
from feed_svc.store.script import Script
from feed_svc.store.timelines import upper_bound
from meshkit.redis.mux import RedisMux

# How many of an author's newest posts are kept, and by how many a timeline may exceed that before it is cut.
LENGTH, SLACK = 200, 20
# Counted from the build and not renewed by reads, so that an error lasts a day at most.
TTL_SECONDS = 24 * 60 * 60
# How many timelines one round trip reads or writes. Other reads share the connection and must not wait long.
BATCH = 250
_NO_POSITION, _NO_SEQ, _NO_CUTS = bytes(16), bytes(8), b""


class RedisAuthorTimelines:
    """Author timelines over the multiplexed connection."""

    def __init__(self, mux: RedisMux, *, length: int = LENGTH, slack: int = SLACK) -> None:
        self._mux = mux
        self._length = length
        self._slack = slack
        self._read = Script(mux, scripts.READ)
        self._push = Script(mux, scripts.PUSH)
        self._begin_build = Script(mux, scripts.BEGIN_BUILD)
        self._finish_build = Script(mux, scripts.FINISH_BUILD)
        self._abandon_build = Script(mux, scripts.ABANDON_BUILD)

    async def read(self, below: Mapping[int, bytes | None], limit: int) -> dict[int, Window | None]:
        """Read many timelines, batch by batch."""
        found: dict[int, Window | None] = {}
        for batch in _batches(list(below)):
            answers = await self._read.many([(_key(a), (upper_bound(below[a]), limit)) for a in batch])
            found.update({author: _window(answer) for author, answer in zip(batch, answers, strict=True)})
        return found

    async def begin_builds(self, authors: Sequence[int]) -> dict[int, bytes]:
        """Start builds."""
        token, oldest = new_token(), oldest_alive()
        arguments = (token, oldest, BUILD_TTL_SECONDS, _NO_POSITION, _NO_SEQ, _NO_CUTS)
        mine: dict[int, bytes] = {}
        for batch in _batches(authors):
            answers = await self._begin_build.many([(_key(author), arguments) for author in batch])
            mine.update({author: token for author, is_mine in zip(batch, answers, strict=True) if is_mine})
        await remove_former(self._mux, [former_author(author) for author in mine])
        return mine

    async def finish_builds(self, tokens: Mapping[int, bytes], windows: Mapping[int, Window]) -> None:
        """Make timelines live."""
        for batch in _batches(list(tokens)):
            await self._finish_build.many(
                [
                    (
                        _key(a),
                        (tokens[a], self._length, windows[a].floor, TTL_SECONDS, _NO_CUTS, 0, *windows[a].entries),
                    )
                    for a in batch
                ]
            )

    async def abandon_builds(self, tokens: Mapping[int, bytes]) -> None:
        """Give up builds."""
        await self._abandon_build.many([(_key(author), (token,)) for author, token in tokens.items()])

    async def push(self, entry: Entry) -> None:
        """Push to a timeline unless it is absent."""
        await self._push(_key(author_of(entry)), entry, self._length, self._slack)

    async def remove(self, entry: Entry) -> None:
        """Remove from a timeline."""
        await self._mux.execute("LREM", _key(author_of(entry)), 1, entry)


def _window(answer: Sequence[Any]) -> Window | None:
    """Return what a read found, or None if the timeline is not live."""
    if not answer:
        return None
    entries, marker = answer
    return Window(entries, marker[:ENTRY_SIZE])


def _batches(authors: Sequence[int]) -> list[Sequence[int]]:
    return [authors[start : start + BATCH] for start in range(0, len(authors), BATCH)]


def _key(author_id: int) -> str:
    return f"author:{{{author_id}}}"
