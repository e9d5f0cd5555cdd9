"""Stream entries and the events in them."""

from dataclasses import dataclass
from typing import Any

from google.protobuf.message import DecodeError
from lensfeed.events.v1 import event_pb2

from meshkit.events.stream import PAYLOAD_FIELD


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of a stream: its id and the serialized event."""

    entry_id: bytes
    payload: bytes

    @property
    def added_ms(self) -> int:
        """When it was added to the stream, in milliseconds since 1970."""
        return int(self.entry_id.partition(b"-")[0])


class PoisonError(Exception):
    """The payload is not an event, so retrying cannot help."""


def entries_of(answer: Any) -> list[Entry]:
    """Turn Redis' list of (id, fields) into entries. A trimmed entry has no fields and gets an empty payload."""
    return [Entry(entry_id, (fields or {}).get(PAYLOAD_FIELD, b"")) for entry_id, fields in answer]


def decode(payload: bytes) -> event_pb2.Event:
    """Return the event of a payload. Raises PoisonError if it is not an event or of an unknown kind."""
    try:
        event = event_pb2.Event.FromString(payload)
    except DecodeError:
        raise PoisonError from None
    if event.WhichOneof("payload") is None:
        raise PoisonError
    return event
