"""From an event's payload to an outbox record."""

from google.protobuf.message import Message
from lensfeed.events.v1 import event_pb2

from meshkit.events.outbox import OutboxRecord
from meshkit.ids import new_id
from meshkit.telemetry import outgoing_traceparent

_FIELDS = {
    field.message_type.full_name: field.name
    for field in event_pb2.Event.DESCRIPTOR.oneofs_by_name["payload"].fields
    if field.message_type is not None
}


def new_record(payload: Message) -> OutboxRecord:
    """Make the record of an event that happens now; `payload` is one of the payloads of `lensfeed.events.v1.Event`."""
    event = event_pb2.Event(event_id=new_id(), traceparent=outgoing_traceparent() or "")
    getattr(event, _FIELDS[payload.DESCRIPTOR.full_name]).CopyFrom(payload)
    return OutboxRecord(event.event_id, event.SerializeToString())
