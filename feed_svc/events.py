"""Events of the other services, to this one's use cases; and the stream by which workers share large fan-outs."""

from lensfeed.events.v1 import event_pb2
from redis.asyncio import Redis

from feed_svc.fan_out.apply_follow import ApplyFollow
from feed_svc.fan_out.chunks import Change, FanOutChunk, PostChange
from feed_svc.fan_out.fan_out_post import FanOut
from feed_svc.fan_out.push_to_followers import ReachFollowers
from feed_svc.fan_out.refresh_author import RefreshAuthor
from feed_svc.fan_out.remove_post import RemovePost
from meshkit.events import EventStream, new_record

GROUP = "feed_svc"
STREAMS = (EventStream("post"), EventStream("follow"), EventStream("user"))
# Apart from the others, so that no post waits behind the chunks of another one. It has no outbox: what is lost with Redis are
# changes to timelines that are lost with it.
FAN_OUT = EventStream("fan_out", (GROUP,))


class StreamedChunks:
    """Chunks, as events of a stream. An entry there is a fan-out's checkpoint: it stays until its chunk is done."""

    def __init__(self, redis: "Redis") -> None:
        self._redis = redis

    async def add(self, chunk: FanOutChunk) -> bool:
        """Add a chunk, unless it is or was there: one that is done again finds the next one under way."""
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
    """Hands each event to what follows it up; others pass by."""

    def __init__(
        self,
        fan_out: FanOut,
        remove_post: RemovePost,
        reach: ReachFollowers,
        apply_follow: ApplyFollow,
        refresh_author: RefreshAuthor,
    ) -> None:
        self._fan_out = fan_out
        self._remove_post = remove_post
        self._reach = reach
        self._apply_follow = apply_follow
        self._refresh_author = refresh_author

    async def __call__(self, event: event_pb2.Event) -> None:
        """Follow one event up."""
        match event.WhichOneof("payload"):
            case "post_published":
                await self._fan_out(event.post_published.author_id, event.post_published.place)
            case "post_deleted":
                await self._remove_post(event.post_deleted.author_id, event.post_deleted.place)
            case "fan_out_chunk":
                await self._reach.go_on(_chunk_of(event.fan_out_chunk))
            case "follow_created":
                await self._apply_follow(event.follow_created.follower_id, event.follow_created.followee_id)
            case "follow_deleted":
                await self._apply_follow(event.follow_deleted.follower_id, event.follow_deleted.followee_id)
            case "user_updated":
                await self._refresh_author(event.user_updated.user_id)


def _chunk_of(message: event_pb2.FanOutChunk) -> FanOutChunk:
    of = PostChange(message.author_id, message.place, Change(message.change))
    return FanOutChunk(of, message.number, message.page_token)
