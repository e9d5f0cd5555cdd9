"""The printer's JSON is that of protobuf."""

import json
from typing import Any

import pytest
from google.protobuf import json_format
from google.protobuf.message import Message
from google.protobuf.wrappers_pb2 import StringValue
from lensfeed.feed.v1 import feed_service_pb2
from lensfeed.media.v1 import media_internal_service_pb2

from feed_svc.presenting.json_printer import printer_of
from tests.cards import empty_card, full_card

SHOW = printer_of(feed_service_pb2.FeedItem.DESCRIPTOR)


def by_protobuf(message: Message) -> Any:
    """Return a message by protobuf's own rules, with the edge's options."""
    return json_format.MessageToDict(message, always_print_fields_with_no_presence=True)


@pytest.mark.parametrize("seed", range(50))
def test_every_field_is_printed_as_protobuf_does(seed: int) -> None:
    """A card with all fields of its contract looks as protobuf's own library prints it, and is read back as the same."""
    card = full_card(seed)
    printed = SHOW(card)
    assert json.loads(printed) == by_protobuf(card)
    assert json_format.Parse(printed, feed_service_pb2.FeedItem()) == card


def test_an_empty_card_is_printed_as_protobuf_does() -> None:
    """Fields without presence are printed, others are not."""
    for card in (feed_service_pb2.FeedItem(), empty_card()):
        assert json.loads(SHOW(card)) == by_protobuf(card)


def test_a_field_of_a_newer_version_is_left_out() -> None:
    """A card that a newer process has made can be shown."""
    card = full_card(1)
    newer = card.SerializeToString() + b"\xfa\x7f\x03new"
    assert SHOW(feed_service_pb2.FeedItem.FromString(newer)) == SHOW(card)


@pytest.mark.parametrize("message", [media_internal_service_pb2.CountViewsRequest, StringValue])
def test_other_types_are_refused(message: type[Message]) -> None:
    """A map or a type with JSON of its own stops the start of the process instead of being printed wrongly."""
    descriptor: Any = message.DESCRIPTOR
    with pytest.raises(TypeError, match="cannot be printed"):
        printer_of(descriptor)
