"""The events that follow_svc publishes, and those of its own that it finishes changes by."""

from collections.abc import Awaitable, Callable

from lensfeed.events.v1 import event_pb2

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


class EndBlockedFollows:
    """Ends the follows of accounts that block each other, if the call that should have done it was interrupted."""

    def __init__(self, end_follows: Callable[[int, int], Awaitable[object]]) -> None:
        self._end_follows = end_follows

    async def __call__(self, event: event_pb2.Event) -> None:
        """Look at the pair of a new block or a new follow. Ignore all other events."""
        match event.WhichOneof("payload"):
            case "block_created":
                await self._end_follows(event.block_created.user_id, event.block_created.other_id)
            case "follow_created":
                await self._end_follows(event.follow_created.follower_id, event.follow_created.followee_id)
