"""The events that follow_svc publishes."""

from lensfeed.events.v1 import event_pb2

from meshkit.events import EventStream, OutboxRecord, new_record

STREAM = EventStream("follow", ("feed_svc",))


def follow_created(follower_id: int, followee_id: int) -> OutboxRecord:
    """Return the event for a new follow."""
    return new_record(event_pb2.FollowCreated(follower_id=follower_id, followee_id=followee_id))


def follow_muted(follower_id: int, followee_id: int) -> OutboxRecord:
    """Return the event for a new mute."""
    return new_record(event_pb2.FollowMuted(follower_id=follower_id, followee_id=followee_id))


def follow_unmuted(follower_id: int, followee_id: int) -> OutboxRecord:
    """Return the event for the end of a mute."""
    return new_record(event_pb2.FollowUnmuted(follower_id=follower_id, followee_id=followee_id))


def follow_deleted(follower_id: int, followee_id: int) -> OutboxRecord:
    """Return the event for a deleted follow."""
    return new_record(event_pb2.FollowDeleted(follower_id=follower_id, followee_id=followee_id))
