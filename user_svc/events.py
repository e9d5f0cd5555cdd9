"""The events of accounts and their stream."""

from lensfeed.events.v1 import event_pb2

from meshkit.events import EventStream, OutboxRecord, new_record

# feed_svc shows authors on its cards.
STREAM = EventStream("user", ("feed_svc",))


def user_updated(user_id: int) -> OutboxRecord:
    """Return the event for a changed profile."""
    return new_record(event_pb2.UserUpdated(user_id=user_id))
