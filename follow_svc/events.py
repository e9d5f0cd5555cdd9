"""The events that follow_svc publishes."""

from lensfeed.events.v1 import event_pb2
from lensfeed.follow.v1 import visibility_pb2

from follow_svc.sight import Visibility
from meshkit.events import EventStream, OutboxRecord, new_record

GROUP = "follow_svc"
STREAM = EventStream("follow", ("feed_svc", GROUP))


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


def block_created(user_id: int, other_id: int) -> OutboxRecord:
    """Return the event for a new block."""
    return new_record(event_pb2.BlockCreated(user_id=user_id, other_id=other_id))


def follow_requested(follower_id: int, followee_id: int) -> OutboxRecord:
    """Return the event for a new follow request."""
    return new_record(event_pb2.FollowRequested(follower_id=follower_id, followee_id=followee_id))


def privacy_changed(user_id: int, visibility: Visibility, version: int) -> OutboxRecord:
    """Return the event for an account that became private or public."""
    value = visibility_pb2.AccountVisibility.Value(f"ACCOUNT_VISIBILITY_{visibility.name}")
    return new_record(event_pb2.PrivacyChanged(user_id=user_id, visibility=value, version=version))


def accept_chunk(user_id: int) -> OutboxRecord:
    """Return the event that continues the acceptance of an account's requests."""
    return new_record(event_pb2.AcceptChunk(user_id=user_id))
