"""Profile changes and their events."""

import asyncio
from pathlib import Path
from typing import Any

import grpc
import pytest
from lensfeed.events.v1 import event_pb2
from lensfeed.user.v1.user_pb2 import User
from lensfeed.user.v1.user_service_pb2 import GetUserRequest, UpdateUserRequest
from redis.asyncio import Redis

from meshkit.ids import PublicId, new_id
from meshkit.service_settings import ServiceSettings
from tests.errors import reason_of, violations_of
from tests.served_sights import ServedSights
from tests.user_svc.running_users import NOWHERE, Users, caller, running_users

EVENT_WAIT_SECONDS = 60.0


async def update(users: Users, user: User, **fields: str) -> User:
    """Change a user's profile as that user."""
    return (await users.public.UpdateUser(UpdateUserRequest(**fields), metadata=caller(user.user_id))).user


async def read(users: Users, user: User) -> User:
    """Read a user as another user."""
    return (await users.public.GetUser(GetUserRequest(user_id=user.user_id), metadata=caller(1))).user


async def events_of(redis_url: str, user: User, count: int) -> list[event_pb2.Event]:
    """Return a user's events from the stream once there are `count`."""
    async with Redis.from_url(redis_url) as redis, asyncio.timeout(EVENT_WAIT_SECONDS):
        while True:
            entries: Any = await redis.xrange("events:{user}")
            events = [event_pb2.Event.FromString(fields[b"event"]) for _, fields in entries]
            found = [each for each in events if each.user_updated.user_id == user.user_id]
            if len(found) >= count:
                return found
            await asyncio.sleep(0.02)


async def test_change_is_seen_by_others(users: Users) -> None:
    """Others see a change. Fields that were not sent stay, and an empty text clears."""
    user = await users.new_user("Ada")
    changed = await update(users, user, bio="first line\nsecond")
    assert changed == User(
        user_id=user.user_id,
        handle=user.handle,
        display_name="Ada",
        bio="first line\nsecond",
        created_at=user.created_at,
    )
    assert await read(users, user) == changed
    cleared = await update(users, user, display_name="", bio="")
    assert (cleared.display_name, cleared.bio) == ("", "")
    assert await read(users, user) == cleared


async def test_change_is_of_the_caller_alone(users: Users) -> None:
    """A change affects only the caller."""
    user, other = await users.new_user("Ada"), await users.new_user("Bob")
    await update(users, user, display_name="Countess")
    assert await read(users, other) == other


async def test_changes_at_once_lose_nothing(users: Users) -> None:
    """Concurrent changes of different fields all last."""
    user = await users.new_user()
    await asyncio.gather(update(users, user, display_name="Ada"), update(users, user, bio="hello"))
    after = await read(users, user)
    assert (after.display_name, after.bio) == ("Ada", "hello")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("display_name", "x" * 65),
        ("display_name", "nul\0"),
        ("display_name", "two\nlines"),
        ("bio", "x" * 501),
        ("bio", "nul\0"),
    ],
)
async def test_field_is_invalid(users: Users, field: str, value: str) -> None:
    """A text that breaks its rule is refused with the field's name, and nothing changes."""
    user = await users.new_user("Ada")
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await update(users, user, **{field: value})
    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert reason_of(caught.value) == "FIELD_INVALID"
    assert violations_of(caught.value) == [(field, "FIELD_INVALID")]
    assert await read(users, user) == user


async def test_limits_count_code_points(users: Users) -> None:
    """64 and 500 code points are accepted, however many bytes they take."""
    changed = await update(users, await users.new_user(), display_name="\U0001f600" * 64, bio="é" * 500)
    assert (len(changed.display_name), len(changed.bio)) == (64, 500)


async def test_update_needs_a_token(users: Users) -> None:
    """UpdateUser without a token is refused."""
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await users.public.UpdateUser(UpdateUserRequest(bio="hello"))
    assert caught.value.code() is grpc.StatusCode.UNAUTHENTICATED
    assert reason_of(caught.value) == "TOKEN_MISSING"


async def test_update_of_nobody(users: Users) -> None:
    """A token of an account that does not exist changes and creates nothing."""
    nobody = User(user_id=77)
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await update(users, nobody, bio="hello")
    assert caught.value.code() is grpc.StatusCode.NOT_FOUND
    assert reason_of(caught.value) == "USER_NOT_FOUND"
    with pytest.raises(grpc.aio.AioRpcError):
        await read(users, nobody)


@pytest.mark.parametrize("media_id", ["x", "no such medium", "a" * 25, "A" * 26, "\0"])
async def test_avatar_of_a_malformed_id(users: Users, media_id: str) -> None:
    """A malformed media id is MEDIA_NOT_FOUND without asking media_svc."""
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await update(users, await users.new_user(), avatar_media_id=media_id)
    assert caught.value.code() is grpc.StatusCode.NOT_FOUND
    assert reason_of(caught.value) == "MEDIA_NOT_FOUND"


async def test_avatar_waits_for_media_svc(users: Users) -> None:
    """Without media_svc an avatar cannot be set; everything else can be changed."""
    user = await users.new_user()
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await update(users, user, bio="lost", avatar_media_id=str(PublicId(new_id(), user.user_id)))
    assert caught.value.code() is grpc.StatusCode.UNAVAILABLE
    assert await read(users, user) == user
    assert (await update(users, user, bio="kept", avatar_media_id="")).bio == "kept"


async def test_change_is_told(users: Users, redis_url: str) -> None:
    """Each change sends one event; a request that changes nothing sends none."""
    user = await users.new_user("Ada")
    await update(users, user, display_name="Ada")
    await update(users, user)
    await update(users, user, display_name="Countess")
    await update(users, user, bio="hello")
    assert len(await events_of(redis_url, user, 2)) == 2


@pytest.mark.slow
async def test_change_is_told_after_redis_was_down(
    tmp_path: Path, store_settings: ServiceSettings, redis_url: str, sights: ServedSights
) -> None:
    """A change made while Redis is down sends its event once Redis is back."""
    async with running_users(
        tmp_path, store_settings, redis_url=f"redis://{NOWHERE}/0", follow_addr=sights.address
    ) as users:
        user = await users.new_user("Ada")
        changed = await update(users, user, display_name="Countess")
        assert await read(users, user) == changed
    async with running_users(tmp_path, store_settings, redis_url=redis_url):
        assert len(await events_of(redis_url, user, 1)) == 1
