"""A medium's steps in Cassandra: each is taken once and its events are published, even after a crash.

A lightweight transaction (LWT) cannot also write the outbox, which is in other partitions. So a step is three writes:

    LWT: next state and its events, if the state is the old one and no events are left → outbox → LWT: clear events

After the first write the step is taken, and its events are in the medium's own row. If a process dies before the third,
whoever finds them publishes them, perhaps again: the next reader, the next step, or the sweeper. The next step cannot
overwrite them. The sweeper has a check planned for every unsettled medium, and checks once more afterwards.

Publishing an event again writes the same outbox row while the outbox sweeper still reads that minute. Later it gets a new
id, because nobody reads rows in closed minutes. So an event may be delivered twice, but is never lost.
"""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import structlog

from media_svc.model import Media, MediaState
from media_svc.store.rows import (
    FIELDS,
    SWAP_FIELDS,
    VIDEO_FIELDS,
    fields_of,
    media_of,
    names_of,
    swap_fields_of,
    video_fields_of,
)
from meshkit.cassandra import (
    Cassandra,
    Statement,
    UnknownOutcomeError,
    claim,
    kept_events,
    records_of,
    serial_read,
    sure_read,
    write_with_events,
)
from meshkit.errors import DeadlineExceededError, UnavailableError
from meshkit.events.outbox import OutboxRecord
from meshkit.ids import PublicId

# A medium takes few steps. More conflicts than this mean a cluster that confirms nothing.
MAX_TRIES = 8
_COLUMNS = f"SELECT {', '.join(FIELDS)}, replaced_names, takers, events FROM media WHERE media_id = ? LIMIT 1"  # noqa: S608 - ours
_READ = sure_read(_COLUMNS)
_DECIDED = serial_read(_COLUMNS)
_TAKE = claim(
    f"UPDATE media SET {', '.join(f'{name} = ?' for name in FIELDS)}, takers[?] = ?, events = ?"  # noqa: S608 - ours
    " WHERE media_id = ? IF state = ? AND events = null"
)
# Better renditions are written once, without a change of state.
_SWAP = claim(
    f"UPDATE media SET {', '.join(f'{name} = ?' for name in SWAP_FIELDS)}, events = ?"  # noqa: S608 - ours
    " WHERE media_id = ? IF state = ? AND events = null AND replaced_names = null"
)
# A state is entered once with and once without replaced names, so both together identify the step whose events to clear.
_CLEAR_EVENTS = claim("UPDATE media SET events = null WHERE media_id = ? IF state = ? AND replaced_names = ?")
# A growing video has no events, so one write is enough.
_GROW = claim(
    f"UPDATE media SET {', '.join(f'{name} = ?' for name in VIDEO_FIELDS)}"  # noqa: S608 - ours
    " WHERE media_id = ? IF state = ? AND video_revision = ?"
)
_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Row:
    """A medium, who took it to each state, and the events that may not be in the outbox yet."""

    media: Media
    takers: Mapping[str, uuid.UUID]
    events: Sequence[OutboxRecord]


class Steps:
    """Reads media and takes their steps."""

    def __init__(self, cassandra: Cassandra) -> None:
        self._cassandra = cassandra

    async def read(self, media_id: PublicId) -> Media | None:
        """Return a medium, after publishing its leftover events."""
        rows = await self._cassandra.execute(_READ, media_id.pack())
        if not rows:
            return None
        row = _row(media_id, rows[0])
        if row.events:
            await self._publish(row.media, row.events)
        return row.media

    async def take(self, old: Media, new: Media, records: Sequence[OutboxRecord]) -> bool:
        """Take a step, unless another was taken. Returns whether it was. Its events may be published later."""
        taker = uuid.uuid4()
        for _ in range(MAX_TRIES):
            if await self._try_take(old, new, taker, records):
                await self._try_publish(new, records)
                return True
            row = await self._read_serial(old.media_id)
            if row is None:
                return False
            if row.events:
                await self._try_publish(row.media, row.events)
            if row.takers.get(new.state) == taker:  # an answer was lost
                return True
            if row.media.state != old.state:
                return False
        raise UnavailableError

    async def swap(self, old: Media, new: Media, records: Sequence[OutboxRecord]) -> bool:
        """Write better renditions, unless the medium is removed or has some. Returns whether it was written."""
        values = (*swap_fields_of(new), kept_events(records) or None, old.media_id.pack(), MediaState.READY)
        for _ in range(MAX_TRIES):
            if await self._claimed(_SWAP, values):
                await self._try_publish(new, records)
                return True
            row = await self._read_serial(old.media_id)
            if row is None or row.media.state is not MediaState.READY:
                return False
            if row.events:
                await self._try_publish(row.media, row.events)
            if row.media.replaced_names is not None:  # a response was lost, or another process did it
                return swap_fields_of(row.media) == swap_fields_of(new)
        raise UnavailableError

    async def grow(self, old: Media, new: Media) -> bool:
        """Write a video's new rungs, unless it has changed since. Returns whether it was written."""
        revision = old.video.revision if old.video else 0
        values = (*video_fields_of(new), old.media_id.pack(), MediaState.READY, revision)
        for _ in range(MAX_TRIES):
            try:
                rows = await self._cassandra.execute(_GROW, *values)
            except UnknownOutcomeError:
                row = await self._read_serial(old.media_id)
            else:
                if rows[0][0]:
                    return True
                row = await self._read_serial(old.media_id)
            if row is None or row.media.video is None:
                return False
            if row.media.video == new.video and row.media.renditions == new.renditions:  # an answer was lost
                return True
            if row.media.video.revision != revision:
                return False
        raise UnavailableError

    async def _try_take(self, old: Media, new: Media, taker: uuid.UUID, records: Sequence[OutboxRecord]) -> bool:
        """Try once. False may also mean unknown: the serial read that follows finds out."""
        events = kept_events(records) or None
        return await self._claimed(_TAKE, (*fields_of(new), new.state, taker, events, old.media_id.pack(), old.state))

    async def _claimed(self, statement: Statement, values: Sequence[Any]) -> bool:
        try:
            rows = await self._cassandra.execute(statement, *values)
        except UnknownOutcomeError:
            return False
        return bool(rows[0][0])

    async def _read_serial(self, media_id: PublicId) -> Row | None:
        rows = await self._cassandra.execute(_DECIDED, media_id.pack())
        return _row(media_id, rows[0]) if rows else None

    async def _try_publish(self, media: Media, events: Sequence[OutboxRecord]) -> None:
        """Publish a step's events. If that fails, someone else publishes them later."""
        try:
            await self._publish(media, events)
        except (UnavailableError, DeadlineExceededError) as error:
            _log.warning("step_published_later", media_id=str(media.media_id), state=media.state, error=repr(error))

    async def _publish(self, media: Media, events: Sequence[OutboxRecord]) -> None:
        if not events:
            return
        await write_with_events(self._cassandra, [], events)
        try:
            _, replaced_names = swap_fields_of(media)
            await self._cassandra.execute(_CLEAR_EVENTS, media.media_id.pack(), media.state, replaced_names)
        except UnavailableError as error:
            _log.warning(
                "step_may_be_published_again", media_id=str(media.media_id), state=media.state, error=repr(error)
            )


def _row(media_id: PublicId, columns: Sequence[Any]) -> Row:
    *fields, replaced_names, takers, events = columns
    media = replace(media_of(media_id, fields), replaced_names=names_of(replaced_names))
    return Row(media, takers or {}, records_of(events))
