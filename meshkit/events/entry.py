"""An entry of a stream, and the event in it."""

from dataclasses import dataclass
from typing import Any

from google.protobuf.message import DecodeError
from lensfeed.events.v1 import event_pb2

from meshkit.events.stream import PAYLOAD_FIELD


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry as a group is given it: its id in the stream, and a serialized event (or what should be one)."""

    entry_id: bytes
    payload: bytes

    @property
    def added_ms(self) -> int:
        """When it came into the stream, in milliseconds since 1970."""
        return int(self.entry_id.partition(b"-")[0])


class PoisonError(Exception):
    """The payload is no event: no further try can help."""


def entries_of(answer: Any) -> list[Entry]:
    """Turn Redis' list of (id, fields) into entries. One that was trimmed has no fields: its empty payload is no event."""
    return [Entry(entry_id, (fields or {}).get(PAYLOAD_FIELD, b"")) for entry_id, fields in answer]


def decode(payload: bytes) -> event_pb2.Event:
    """Return the event of a payload. Raises PoisonError where it is none, or one of a kind that is not known."""
    try:
        event = event_pb2.Event.FromString(payload)
    except DecodeError:
        raise PoisonError from None
    if event.WhichOneof("payload") is None:
        raise PoisonError
    return event
