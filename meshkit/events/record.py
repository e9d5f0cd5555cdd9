"""From an event's payload to an outbox record."""

import secrets
from collections.abc import Callable

from google.protobuf.message import Message
from lensfeed.events.v1 import event_pb2

from meshkit.events.outbox import OutboxRecord
from meshkit.ids import new_id
from meshkit.telemetry import outgoing_traceparent

# Beside the id: two events of one millisecond are told apart although 22 random bits often collide among a service's many.
NONCE_BITS = 64
_FIELDS = {
    field.message_type.full_name: field.name
    for field in event_pb2.Event.DESCRIPTOR.oneofs_by_name["payload"].fields
    if field.message_type is not None
}


def new_record(payload: Message, make_id: Callable[[], int] = new_id) -> OutboxRecord:
    """Make the record of an event that happens now; `payload` is one of the payloads of `lensfeed.events.v1.Event`.

    Ids from `make_id` may collide: no two records made here are equal.
    """
    nonce = secrets.randbits(NONCE_BITS)
    event = event_pb2.Event(event_id=make_id(), traceparent=outgoing_traceparent() or "", nonce=nonce)
    getattr(event, _FIELDS[payload.DESCRIPTOR.full_name]).CopyFrom(payload)
    return OutboxRecord(event.event_id, event.SerializeToString())
