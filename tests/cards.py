"""Cards with every field that the contracts have, made from the descriptors, so that a new field is covered."""

import random
from typing import Any

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp
from lensfeed.feed.v1 import feed_service_pb2

# What JSON escapes, or has two bytes, three or four in UTF-8.
TEXTS = (
    "",
    "plain",
    '"quoted\\"',
    "line\nbreak\ttab\r\x00\x1f\x7f",
    "</script>",
    "é ß",
    "日本 \u2028 \ufeff",
    "\U0001f600",
)
INTEGERS = (0, 1, -1, 2**31 - 1, -(2**31))
LONG_INTEGERS = (*INTEGERS, 2**53 + 1, 2**63 - 1, -(2**63))
NANOS = (0, 1, 1_000, 120_000_000, 999_999_999)
SECONDS = (0, 1, -1, 1_700_000_000, 253_402_300_799, -62_135_596_800)


def full_card(seed: int) -> feed_service_pb2.FeedItem:
    """Return a card in which every field is set, lists with two items."""
    card = feed_service_pb2.FeedItem()
    fill(card, random.Random(seed))
    return card


def empty_card() -> feed_service_pb2.FeedItem:
    """Return a card whose messages are there and have nothing in them."""
    card = feed_service_pb2.FeedItem()
    card.post.media.add()
    card.author.SetInParent()
    return card


def fill(message: Message, choice: random.Random) -> None:
    """Set every field of a message and of those in it."""
    if isinstance(message, Timestamp):
        message.seconds, message.nanos = choice.choice(SECONDS), choice.choice(NANOS)
        return
    for field in message.DESCRIPTOR.fields:
        _set(message, field, choice)


def _set(message: Message, field: Any, choice: random.Random) -> None:
    place: Any = getattr(message, field.name)
    if field.message_type is not None:
        if not field.is_repeated:
            place.SetInParent()
        for inner in (place.add(), place.add()) if field.is_repeated else (place,):
            fill(inner, choice)
    elif field.is_repeated:
        place.extend([_value(field, choice), _value(field, choice)])
    else:
        setattr(message, field.name, _value(field, choice))


def _value(field: FieldDescriptor, choice: random.Random) -> Any:
    if field.enum_type is not None:
        return choice.choice([*field.enum_type.values_by_number, 99])
    values: dict[int, Any] = {
        FieldDescriptor.TYPE_STRING: TEXTS,
        FieldDescriptor.TYPE_BYTES: (b"", b"\x00\xff", bytes(range(25)), bytes(range(26))),
        FieldDescriptor.TYPE_BOOL: (False, True),
        FieldDescriptor.TYPE_INT32: INTEGERS,
        FieldDescriptor.TYPE_INT64: LONG_INTEGERS,
    }
    return choice.choice(values[field.type])
