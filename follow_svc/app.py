"""The composition root of follow_svc."""

import contextlib
from collections.abc import AsyncIterator
from functools import partial

import structlog
from lensfeed.follow.v1 import follow_internal_service_pb2_grpc, follow_service_pb2_grpc

from follow_svc.blocks.create_block import CreateBlock
from follow_svc.blocks.delete_block import DeleteBlock
from follow_svc.blocks.end_follows import EndFollows
from follow_svc.blocks.get_sights import GetSights
from follow_svc.create_follow import CreateFollow
from follow_svc.create_mute import CreateMute
from follow_svc.delete_follow import DeleteFollow
from follow_svc.delete_mute import DeleteMute
from follow_svc.events import GROUP, STREAM
from follow_svc.filter_followed import FilterFollowed
from follow_svc.finish_changes import FinishChanges
from follow_svc.get_follower_count import GetFollowerCount
from follow_svc.get_last_cut import GetLastCut
from follow_svc.get_relationship import GetRelationship
from follow_svc.lists.list_blocks import ListBlocks
from follow_svc.lists.list_followee_ids import ListFolloweeIds
from follow_svc.lists.list_follower_ids import ListFollowerIds
from follow_svc.lists.list_followers import ListFollowers
from follow_svc.lists.list_following import ListFollowing
from follow_svc.lists.list_mutes import ListMutes
from follow_svc.lists.list_requests import ListRequests
from follow_svc.peers import USER_INTERNAL, UserPeer
from follow_svc.ports import Announce
from follow_svc.privacy.accept_pending import AcceptPending
from follow_svc.privacy.accept_request import AcceptRequest
from follow_svc.privacy.decline_request import DeclineRequest
from follow_svc.privacy.update_privacy import UpdatePrivacy
from follow_svc.recount import Recount
from follow_svc.rpc import FollowInternalServicer, FollowServicer
from follow_svc.settings import FollowSettings, RecountSettings
from follow_svc.store.open import open_recount, open_store
from follow_svc.store.port import FollowStore
from meshkit.cursors import Cursors
from meshkit.events import Consumer, open_producer
from meshkit.grpc import server
from meshkit.grpc.channels import connect
from meshkit.grpc.server import Process
from meshkit.opened_store import migration
from meshkit.redis.client import open_redis
from meshkit.revocations import open_revocations
from meshkit.sight import Gate

_log = structlog.get_logger()


async def serve() -> None:
    """Serve the social graph to apps and to the other services."""
    settings = FollowSettings.load()
    async with serving_process(settings) as process:
        await server.serve(process, settings)


async def recount() -> None:
    """Correct the counts and finish interrupted changes. Resumes where the last run stopped."""
    settings = RecountSettings.load()
    if settings.store == "sqlite":
        _log.info("nothing_to_recount", why="in SQLite a change and its counts are one transaction")
        return
    async with open_recount(settings) as (follows, store):
        await Recount(follows, store, settings.recount_settle_seconds)()


migrate = migration(open_store)


@contextlib.asynccontextmanager
async def serving_process(settings: FollowSettings) -> AsyncIterator[Process]:
    """Open everything that the serving process needs and wire it up."""
    async with (
        open_store(settings) as opened,
        open_producer(settings.redis_url, STREAM, opened.outbox) as producer,
        connect(settings.user_addr, USER_INTERNAL, identity=settings.identity_of("follow")) as user_channel,
        open_revocations(settings.redis_url) as revocations,
        open_redis(settings.redis_url) as redis,
    ):
        store = opened.store
        end_follows = EndFollows(store, DeleteFollow(store, producer))
        finish_changes = FinishChanges(end_follows, AcceptPending(store, producer))
        public = _public(store, UserPeer(user_channel), producer, settings.cursor_key_list)
        process = Process(
            name="follow_svc",
            registrations=(
                partial(follow_service_pb2_grpc.add_FollowServiceServicer_to_server, public),
                partial(follow_internal_service_pb2_grpc.add_FollowInternalServiceServicer_to_server, _internal(store)),
            ),
            background={
                "sweep": producer.sweep,
                "finish_changes": Consumer(redis, STREAM, GROUP, settings.member, finish_changes).run,
            },
            dependencies={"store": opened.check, "clocks": producer.check_clocks},
        )
        yield revocations.guard(process)


def _public(store: FollowStore, users: UserPeer, announce: Announce, cursor_keys: list[str]) -> FollowServicer:
    gate, delete_follow = Gate(GetSights(store)), DeleteFollow(store, announce)
    end_follows = EndFollows(store, delete_follow)
    return FollowServicer(
        create_follow=CreateFollow(store, users, announce, gate, delete_follow),
        delete_follow=delete_follow,
        create_mute=CreateMute(store, announce),
        delete_mute=DeleteMute(store, announce),
        list_mutes=ListMutes(store, users, Cursors(cursor_keys, "mutes"), gate),
        create_block=CreateBlock(store, users, announce, gate, end_follows),
        delete_block=DeleteBlock(store, end_follows),
        list_blocks=ListBlocks(store, users, Cursors(cursor_keys, "blocks"), gate),
        list_followers=ListFollowers(store, users, Cursors(cursor_keys, "followers"), gate),
        list_following=ListFollowing(store, users, Cursors(cursor_keys, "following"), gate),
        get_relationship=GetRelationship(store, users, gate),
        update_privacy=UpdatePrivacy(store, announce),
        list_requests=ListRequests(store, users, Cursors(cursor_keys, "follow_requests"), gate),
        accept_request=AcceptRequest(store, announce),
        decline_request=DeclineRequest(store),
    )


def _internal(store: FollowStore) -> FollowInternalServicer:
    return FollowInternalServicer(
        ListFollowerIds(store),
        ListFolloweeIds(store),
        FilterFollowed(store),
        GetLastCut(store),
        GetFollowerCount(store),
        GetSights(store),
    )
