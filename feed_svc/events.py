"""Events of the other services, to this one's use cases."""

from lensfeed.events.v1 import event_pb2

from feed_svc.apply_follow import ApplyFollow
from feed_svc.fan_out import FanOut
from feed_svc.refresh_author import RefreshAuthor
from feed_svc.remove_post import RemovePost
from meshkit.events import EventStream

GROUP = "feed_svc"
STREAMS = (EventStream("post"), EventStream("follow"), EventStream("user"))


class FeedEvents:
    """Hands each event to what follows it up; others pass by."""

    def __init__(
        self, fan_out: FanOut, remove_post: RemovePost, apply_follow: ApplyFollow, refresh_author: RefreshAuthor
    ) -> None:
        self._fan_out = fan_out
        self._remove_post = remove_post
        self._apply_follow = apply_follow
        self._refresh_author = refresh_author

    async def __call__(self, event: event_pb2.Event) -> None:
        """Follow one event up."""
        match event.WhichOneof("payload"):
            case "post_published":
                await self._fan_out(event.post_published.author_id, event.post_published.place)
            case "post_deleted":
                await self._remove_post(event.post_deleted.author_id, event.post_deleted.place)
            case "follow_created":
                await self._apply_follow(event.follow_created.follower_id, event.follow_created.followee_id)
            case "follow_deleted":
                await self._apply_follow(event.follow_deleted.follower_id, event.follow_deleted.followee_id)
            case "user_updated":
                await self._refresh_author(event.user_updated.user_id)
