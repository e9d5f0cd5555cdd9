"""Creates outbox records."""

import secrets
from collections.abc import Callable

from google.protobuf.message import Message
from lensfeed.events.v1 import event_pb2

from meshkit.events.outbox import OutboxRecord
from meshkit.ids import new_id
from meshkit.telemetry.trace_context import outgoing_traceparent

# Distinguishes events of one millisecond, whose ids' 22 random bits often collide within a service.
NONCE_BITS = 64
_FIELDS = {
    field.message_type.full_name: field.name
    for field in event_pb2.Event.DESCRIPTOR.oneofs_by_name["payload"].fields
    if field.message_type is not None
}


def new_record(payload: Message, make_id: Callable[[], int] = new_id) -> OutboxRecord:
    """Create the record of an event that happens now from one of the payloads of `lensfeed.events.v1.Event`.

    Two records never have the same key, even if their ids collide.
    """
    nonce = secrets.randbits(NONCE_BITS)
    event = event_pb2.Event(event_id=make_id(), traceparent=outgoing_traceparent() or "", nonce=nonce)
    getattr(event, _FIELDS[payload.DESCRIPTOR.full_name]).CopyFrom(payload)
    return OutboxRecord(event.event_id, event.SerializeToString())
