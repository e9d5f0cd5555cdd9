"""Who sees a profile."""

from collections.abc import Awaitable
from pathlib import Path

import grpc
import pytest
from lensfeed.user.v1.user_pb2 import User
from lensfeed.user.v1.user_service_pb2 import (
    GetCurrentUserRequest,
    GetUserByHandleRequest,
    GetUserRequest,
    UpdateUserRequest,
)

from meshkit.ids import new_id
from meshkit.service_settings import ServiceSettings
from tests.errors import reason_of, status_of
from tests.served_sights import ServedSights
from tests.user_svc.running_users import Users, caller, new_handle, running_users


def by_id(users: Users, viewer: User, user_id: int) -> Awaitable[object]:
    """Read an account by its id."""
    return users.public.GetUser(GetUserRequest(user_id=user_id), metadata=caller(viewer.user_id))


def by_handle(users: Users, viewer: User, handle: str) -> Awaitable[object]:
    """Read an account by its handle."""
    return users.public.GetUserByHandle(GetUserByHandleRequest(handle=handle), metadata=caller(viewer.user_id))


async def refusal(call: Awaitable[object]) -> grpc.aio.AioRpcError:
    """Return the error of a call."""
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await call
    return refused.value


async def test_who_is_blocked_is_answered_as_by_nobody(users: Users, sights: ServedSights) -> None:
    """The blocker's profile is refused with the same status as an account that does not exist."""
    blocker, blocked = await users.new_user(), await users.new_user()
    await sights.block(blocker.user_id, blocked.user_id)
    refusals = [
        await refusal(by_id(users, blocked, blocker.user_id)),
        await refusal(by_id(users, blocked, new_id())),
        await refusal(by_handle(users, blocked, blocker.handle)),
        await refusal(by_handle(users, blocked, new_handle())),
    ]
    assert reason_of(refusals[0]) == "USER_NOT_FOUND"
    assert all(status_of(each) == status_of(refusals[0]) for each in refusals)
    await sights.unblock(blocker.user_id, blocked.user_id)
    await by_id(users, blocked, blocker.user_id)


async def test_who_blocks_still_sees_the_profile(users: Users, sights: ServedSights) -> None:
    """The blocker needs the profile to unblock the account."""
    blocker, blocked = await users.new_user(), await users.new_user()
    await sights.block(blocker.user_id, blocked.user_id)
    await by_id(users, blocker, blocked.user_id)
    await by_handle(users, blocker, blocked.handle)


async def test_everybody_sees_the_profile_of_a_private_account(users: Users, sights: ServedSights) -> None:
    """Privacy hides posts and lists, not the profile."""
    viewer, private = await users.new_user(), await users.new_user()
    await sights.make_private(private.user_id)
    await by_id(users, viewer, private.user_id)
    await by_handle(users, viewer, private.handle)


async def test_without_follow_svc_only_the_own_account_is_shown(
    store_settings: ServiceSettings, tmp_path: Path, redis_url: str
) -> None:
    """While follow_svc is down, others' profiles are UNAVAILABLE, and one's own works in every way."""
    async with running_users(tmp_path, store_settings, redis_url=redis_url) as users:
        ada, ben = await users.new_user(), await users.new_user()
        for call in (by_id(users, ada, ben.user_id), by_handle(users, ada, ben.handle)):
            assert reason_of(await refusal(call)) == "UNAVAILABLE"
        await by_id(users, ada, ada.user_id)
        await by_handle(users, ada, ada.handle)
        await users.public.GetCurrentUser(GetCurrentUserRequest(), metadata=caller(ada.user_id))
        await users.public.UpdateUser(UpdateUserRequest(bio="Alone"), metadata=caller(ada.user_id))
