"""A running follow_svc and user_svc, as their callers see them."""

import asyncio
import contextlib
import itertools
import time
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
from lensfeed.events.v1 import event_pb2
from lensfeed.follow.v1 import (
    follow_internal_service_pb2_grpc,
    follow_service_pb2,
    follow_service_pb2_grpc,
)
from lensfeed.user.v1 import user_service_pb2, user_service_pb2_grpc
from pydantic import SecretStr

from follow_svc import app as follow_app
from follow_svc.events import STREAM
from follow_svc.settings import FollowSettings
from follow_svc.store.cassandra import CassandraFollowStore
from follow_svc.store.port import FollowStore
from follow_svc.store.sqlite import MIGRATIONS, SqliteFollowStore
from meshkit.cassandra import Cassandra, CassandraOutbox
from meshkit.events import OutboxStore
from meshkit.events.outbox import BEFORE_ALL, MINUTE_MS, SHARDS
from meshkit.events.sqlite_outbox import MIGRATIONS as OUTBOX_MIGRATIONS
from meshkit.events.sqlite_outbox import SqliteOutbox
from meshkit.grpc.server import running
from meshkit.redis.client import open_redis
from meshkit.service_settings import ServiceSettings
from meshkit.sqlite import Database, open_database
from tests.follow_svc.graph_stores import answering, open_keyspace, write_follows
from user_svc import app as user_app
from user_svc.sessions.keys import make_keys
from user_svc.settings import UserSettings

_NUMBER = itertools.count()
# The sweeper starts 2 s after an event, so a test that waits this long has failed.
_PATIENCE_SECONDS = 120
# More events than the tests write in a minute.
_MANY = 4_000


def caller(user_id: int) -> grpc.aio.Metadata:
    """Return a call's metadata as the edge sets it."""
    return grpc.aio.Metadata(("x-user-id", str(user_id)))


# Quoted, because the stub types exist only in the generated .pyi files.
@dataclass(frozen=True, slots=True)
class ServedGraph:
    """Stubs of a running follow_svc and its user_svc, and the graph's store."""

    public: "follow_service_pb2_grpc.FollowServiceAsyncStub"
    internal: "follow_internal_service_pb2_grpc.FollowInternalServiceAsyncStub"
    accounts: "user_service_pb2_grpc.UserServiceAsyncStub"
    inside: Cassandra | Database
    outbox: OutboxStore
    first_minute: int
    address: str

    async def new_users(self, count: int) -> list[int]:
        """Create accounts. Returns their ids, ascending."""
        requests = [
            user_service_pb2.CreateUserRequest(handle=f"person{next(_NUMBER)}", password="correct horse")
            for _ in range(count)
        ]
        return sorted([(await self.accounts.CreateUser(request)).user.user_id for request in requests])

    async def follow(self, follower_id: int, followee_id: int) -> follow_service_pb2.Follow:
        """Follow."""
        request = follow_service_pb2.CreateFollowRequest(followee_id=followee_id)
        return (await self.public.CreateFollow(request, metadata=caller(follower_id))).follow

    async def unfollow(self, follower_id: int, followee_id: int) -> None:
        """Unfollow."""
        request = follow_service_pb2.DeleteFollowRequest(followee_id=followee_id)
        await self.public.DeleteFollow(request, metadata=caller(follower_id))

    async def remove_follower(self, followee_id: int, follower_id: int) -> None:
        """Remove a follower."""
        request = follow_service_pb2.RemoveFollowerRequest(follower_id=follower_id)
        await self.public.RemoveFollower(request, metadata=caller(followee_id))

    async def mute(self, follower_id: int, followee_id: int) -> None:
        """Mute."""
        request = follow_service_pb2.CreateMuteRequest(user_id=followee_id)
        await self.public.CreateMute(request, metadata=caller(follower_id))

    async def unmute(self, follower_id: int, followee_id: int) -> None:
        """Unmute."""
        request = follow_service_pb2.DeleteMuteRequest(user_id=followee_id)
        await self.public.DeleteMute(request, metadata=caller(follower_id))

    async def relationship(self, viewer_id: int, user_id: int) -> tuple[bool, bool, int, int]:
        """Return (following, followed by, followers, following) as the viewer sees an account."""
        request = follow_service_pb2.GetRelationshipRequest(user_id=user_id)
        found = await self.public.GetRelationship(request, metadata=caller(viewer_id))
        return found.following, found.followed_by, found.follower_count, found.following_count

    @property
    def store(self) -> FollowStore:
        """The store of the running follow_svc."""
        if isinstance(self.inside, Database):
            return SqliteFollowStore(self.inside)
        return CassandraFollowStore(self.inside)

    async def write_follows(self, pairs: Iterable[tuple[int, int]]) -> None:
        """Write many follows (follower, followee) directly. The accounts need not exist."""
        await write_follows(self.inside, pairs)

    async def events_of(self, follower_id: int) -> list[event_pb2.Event]:
        """Return a follower's written events in the order of their ids."""
        minutes = range(self.first_minute, _this_minute() + 1)
        buckets = await asyncio.gather(
            *(
                self.outbox.read_outbox(minute, shard, BEFORE_ALL, _MANY)
                for minute in minutes
                for shard in range(SHARDS)
            )
        )
        records = sorted(itertools.chain(*buckets), key=lambda record: record.event_id)
        events = [event_pb2.Event.FromString(record.payload) for record in records]
        return [event for event in events if follower_of(event) == follower_id]


def follower_of(event: event_pb2.Event) -> int:
    """Return the follower of an event."""
    return pair_of(event)[0]


def pair_of(event: event_pb2.Event) -> tuple[int, int]:
    """Return the follower and the followee of an event, or who blocks whom."""
    payload = getattr(event, str(event.WhichOneof("payload")))
    if isinstance(payload, event_pb2.BlockCreated):
        return payload.user_id, payload.other_id
    return payload.follower_id, payload.followee_id


async def streamed_events(redis_url: str, follower_id: int, last: event_pb2.Event) -> list[event_pb2.Event]:
    """Return a follower's events from the stream, sorted by id, once `last` is among them."""
    async with asyncio.timeout(_PATIENCE_SECONDS), open_redis(redis_url) as redis:
        while True:
            entries: Any = await redis.xrange(STREAM.key)  # typed for every protocol at once
            events = [event_pb2.Event.FromString(fields[b"event"]) for _, fields in entries]
            found = sorted(
                (each for each in events if follower_of(each) == follower_id), key=lambda each: each.event_id
            )
            if last in found:
                return found
            await asyncio.sleep(0.05)


@contextlib.asynccontextmanager
async def serving_users(directory: Path, redis_url: str) -> AsyncIterator[str]:
    """Run a user_svc. Yields its address."""
    make_keys(directory)
    settings = UserSettings(sqlite_dir=directory, redis_url=redis_url, token_key_file=directory / "token-key.pem")
    async with user_app.serving_process(settings) as process, running(process, settings) as address:
        yield address


@contextlib.asynccontextmanager
async def serving_graph(
    store: ServiceSettings, redis_url: str, user_addr: str, accounts_addr: str = ""
) -> AsyncIterator[ServedGraph]:
    """Run a follow_svc that calls user_svc at `user_addr`. `accounts_addr` is where tests create accounts, if different."""
    settings = FollowSettings(
        **store.model_dump(include=store.model_fields_set),
        redis_url=redis_url,
        user_addr=user_addr,
        cursor_keys=SecretStr("a secret of the tests"),
    )
    async with (
        _inside(settings) as (inside, outbox),
        follow_app.serving_process(settings) as process,
        running(process, settings) as address,
        grpc.aio.insecure_channel(address) as channel,
        grpc.aio.insecure_channel(accounts_addr or user_addr) as user_channel,
    ):
        await answering(process.dependencies["store"])
        yield ServedGraph(
            follow_service_pb2_grpc.FollowServiceStub(channel),
            follow_internal_service_pb2_grpc.FollowInternalServiceStub(channel),
            user_service_pb2_grpc.UserServiceStub(user_channel),
            inside,
            outbox,
            _this_minute() - 1,
            address,
        )


@contextlib.asynccontextmanager
async def _inside(settings: FollowSettings) -> AsyncIterator[tuple[Cassandra | Database, OutboxStore]]:
    """Open the store of a running follow_svc."""
    if settings.store == "cassandra":
        async with open_keyspace(settings) as cassandra:
            yield cassandra, CassandraOutbox(cassandra)
        return
    async with open_database(settings.sqlite_dir / "follow_svc.db", MIGRATIONS, OUTBOX_MIGRATIONS) as database:
        yield database, SqliteOutbox(database)


def _this_minute() -> int:
    return int(time.time() * 1000) // MINUTE_MS
