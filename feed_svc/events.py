"""Routes other services' events to use cases, and streams the chunks of large fan-outs."""

from lensfeed.events.v1 import event_pb2
from redis.asyncio import Redis

from feed_svc.fan_out.apply_follow import ApplyFollow
from feed_svc.fan_out.apply_privacy import ApplyPrivacy
from feed_svc.fan_out.chunks import Change, FanOutChunk, PostChange
from feed_svc.fan_out.fan_out_post import FanOut
from feed_svc.fan_out.push_to_followers import PushToFollowers
from feed_svc.fan_out.refresh_author import NEWEST_OF_PROFILE, RefreshAuthor
from feed_svc.fan_out.remove_post import RemovePost
from meshkit.events import EventStream, new_record

GROUP = "feed_svc"
STREAMS = (EventStream("post"), EventStream("follow"), EventStream("user"))
# A stream of its own, so that no post waits behind the chunks of another one. It needs no outbox: if Redis loses its data, it
# loses the timelines as well.
FAN_OUT = EventStream("fan_out", (GROUP,))


class StreamedChunks:
    """Queues chunks as stream entries. An entry is the fan-out's checkpoint: it stays until its chunk is done."""

    def __init__(self, redis: "Redis") -> None:
        self._redis = redis

    async def add(self, chunk: FanOutChunk) -> bool:
        """Add a chunk unless its number was added before, as happens when the previous chunk is repeated."""
        of = chunk.of
        record = new_record(
            event_pb2.FanOutChunk(
                author_id=of.author_id,
                place=of.place,
                change=event_pb2.FanOutChange.ValueType(of.change.value),
                page_token=chunk.page_token,
                number=chunk.number,
            )
        )
        job = f"{of.author_id}:{of.place}:{of.change.value}"
        return await FAN_OUT.add_step(self._redis, job, chunk.number, record.payload)


class FeedEvents:
    """Dispatches each event to its use case and ignores the rest."""

    def __init__(
        self,
        fan_out: FanOut,
        remove_post: RemovePost,
        push_to_followers: PushToFollowers,
        apply_follow: ApplyFollow,
        refresh_author: RefreshAuthor,
        apply_privacy: ApplyPrivacy,
    ) -> None:
        self._fan_out = fan_out
        self._remove_post = remove_post
        self._push_to_followers = push_to_followers
        self._apply_follow = apply_follow
        self._refresh_author = refresh_author
        self._apply_privacy = apply_privacy

    async def __call__(self, event: event_pb2.Event) -> None:
        """Handle one event."""
        match event.WhichOneof("payload"):
            case "post_published":
                await self._fan_out(event.post_published.author_id, event.post_published.place)
            case "post_deleted":
                await self._remove_post(event.post_deleted.author_id, event.post_deleted.place)
            case "fan_out_chunk":
                await self._push_to_followers.continue_chunk(_chunk_of(event.fan_out_chunk))
            case "follow_created":
                await self._apply_follow(event.follow_created.follower_id, event.follow_created.followee_id)
            case "follow_deleted":
                await self._apply_follow(event.follow_deleted.follower_id, event.follow_deleted.followee_id)
            case "follow_muted":
                await self._apply_follow(event.follow_muted.follower_id, event.follow_muted.followee_id)
            case "follow_unmuted":
                await self._apply_follow(event.follow_unmuted.follower_id, event.follow_unmuted.followee_id)
            case "user_updated":
                await self._refresh_author(event.user_updated.user_id, NEWEST_OF_PROFILE)
            case "privacy_changed":
                await self._apply_privacy(event.privacy_changed.user_id)


def _chunk_of(message: event_pb2.FanOutChunk) -> FanOutChunk:
    of = PostChange(message.author_id, message.place, Change(message.change))
    return FanOutChunk(of, message.number, message.page_token)
