"""Finish changes by follow_svc's own events."""

from lensfeed.events.v1 import event_pb2
from lensfeed.follow.v1.visibility_pb2 import ACCOUNT_VISIBILITY_PUBLIC

from follow_svc.blocks.end_follows import EndFollows
from follow_svc.privacy.accept_pending import AcceptPending


class FinishChanges:
    """Finishes changes whose call was interrupted, and those that take longer than a call."""

    def __init__(self, end_follows: EndFollows, accept_pending: AcceptPending) -> None:
        self._end_follows = end_follows
        self._accept_pending = accept_pending

    async def __call__(self, event: event_pb2.Event) -> None:
        """Handle one event. Ignore those that need nothing."""
        match event.WhichOneof("payload"):
            case "block_created":
                await self._end_follows(event.block_created.user_id, event.block_created.other_id)
            case "follow_created":
                await self._end_follows(event.follow_created.follower_id, event.follow_created.followee_id)
            case "follow_requested":
                pair = event.follow_requested.follower_id, event.follow_requested.followee_id
                if not await self._end_follows(*pair):
                    await self._accept_pending.one(*pair)
            case "privacy_changed" if event.privacy_changed.visibility == ACCOUNT_VISIBILITY_PUBLIC:
                await self._accept_pending(event.privacy_changed.user_id)
            case "accept_chunk":
                await self._accept_pending(event.accept_chunk.user_id)
