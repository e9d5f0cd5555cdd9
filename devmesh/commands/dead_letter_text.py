"""Formats dead letters as a table or as JSON."""

import json
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from google.protobuf.json_format import MessageToDict
from google.protobuf.message import Message

from meshkit.events import DeadLetter

HEADER = ("STREAM", "ID", "GIVEN UP", "BY", "WHY", "EVENT", "OF")
NO_EVENT = "(none)"


def as_table(letters: Sequence[tuple[str, DeadLetter]]) -> str:
    """Format letters as a table. Lines are never cut, so that ids stay visible."""
    rows = [HEADER, *(_row(stream, letter) for stream, letter in letters)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEADER))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    )


def as_json_line(stream: str, letter: DeadLetter) -> str:
    """Format a letter as a JSON object. `event` is null if it has none."""
    event = letter.event
    return json.dumps(
        {
            "stream": stream,
            "id": letter.letter_id,
            "givenUpAt": _time(letter),
            "group": letter.group,
            "why": letter.why,
            "entry": letter.entry_id,
            "type": event and _payload(event).DESCRIPTOR.name,
            "event": event and MessageToDict(event),
        }
    )


def _row(stream: str, letter: DeadLetter) -> tuple[str, ...]:
    event = letter.event
    kind, ids = NO_EVENT, ""
    if event is not None:
        payload = _payload(event)
        kind, ids = payload.DESCRIPTOR.name, " ".join(_ids(payload))
    return (stream, letter.letter_id, _time(letter), letter.group, letter.why, kind, ids)


def _payload(event: Message) -> Message:
    payload: Message = getattr(event, event.WhichOneof("payload") or "")
    return payload


def _ids(message: Message) -> Iterator[str]:
    """List the ids in an event; of nested messages only their own id."""
    for field, value in message.ListFields():
        if isinstance(value, Message):
            yield from (each for each in _ids(value) if each.startswith(f"{field.name}_id="))
        elif field.name.endswith("_id") or field.name in {"place", "number"}:
            yield f"{field.name}={value}"


def _time(letter: DeadLetter) -> str:
    return datetime.fromtimestamp(letter.dead_ms / 1_000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
