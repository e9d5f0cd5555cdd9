"""Accounts, over a real channel."""

import asyncio
import time
from pathlib import Path

import grpc
import pytest
from lensfeed.user.v1.user_internal_service_pb2 import BatchGetUsersRequest
from lensfeed.user.v1.user_pb2 import User
from lensfeed.user.v1.user_service_pb2 import (
    CreateUserRequest,
    GetCurrentUserRequest,
    GetUserByHandleRequest,
    GetUserRequest,
)

from meshkit.service_settings import ServiceSettings
from tests.errors import reason_of, violations_of
from tests.served_sights import ServedSights
from tests.user_svc.running_users import PASSWORD, Users, caller, new_handle, running_users
from tests.user_svc.user_stores import Opened
from user_svc.accounts.create_user import CreateUser
from user_svc.accounts.passwords import open_passwords

SOMEBODY = caller(1)


async def test_new_account_is_read_in_every_way(users: Users) -> None:
    """CreateUser, GetUser, GetUserByHandle and BatchGetUsers return the same account."""
    handle = new_handle()
    before = time.time_ns() // 1_000_000
    request = CreateUserRequest(handle=handle, display_name="Ada ❤ Ω", password=PASSWORD)
    user = (await users.public.CreateUser(request)).user
    assert (user.handle, user.display_name, user.bio, user.avatar_url) == (handle, "Ada ❤ Ω", "", "")
    assert before <= user.created_at.ToMilliseconds() <= time.time_ns() // 1_000_000
    by_id = await users.public.GetUser(GetUserRequest(user_id=user.user_id), metadata=SOMEBODY)
    by_handle = await users.public.GetUserByHandle(GetUserByHandleRequest(handle=handle), metadata=SOMEBODY)
    batch = await users.internal.BatchGetUsers(BatchGetUsersRequest(user_ids=[user.user_id]))
    assert by_id.user == user
    assert by_handle.user == user
    assert list(batch.users) == [user]


async def test_callers_read_their_own_account(users: Users) -> None:
    """GetCurrentUser returns the caller's account. Without an account it is USER_NOT_FOUND."""
    user = await users.new_user("Ada")
    mine = await users.public.GetCurrentUser(GetCurrentUserRequest(), metadata=caller(user.user_id))
    assert mine.user == user
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await users.public.GetCurrentUser(GetCurrentUserRequest(), metadata=caller(1))
    assert reason_of(caught.value) == "USER_NOT_FOUND"


async def test_a_handle_is_found_in_any_case(users: Users) -> None:
    """GetUserByHandle ignores the case of the handle."""
    user = await users.new_user()
    request = GetUserByHandleRequest(handle=user.handle.upper())
    assert (await users.public.GetUserByHandle(request, metadata=SOMEBODY)).user == user


async def test_batch_keeps_its_order(users: Users) -> None:
    """A batch is answered in the order of the request, without absent accounts."""
    first, second, third = [await users.new_user() for _ in range(3)]
    wanted = [third.user_id, 12345, first.user_id, -1, second.user_id, third.user_id]
    answer = await users.internal.BatchGetUsers(BatchGetUsersRequest(user_ids=wanted))
    assert list(answer.users) == [third, first, second, third]
    assert not (await users.internal.BatchGetUsers(BatchGetUsersRequest())).users


async def test_batch_is_bounded(users: Users) -> None:
    """A batch of 200 is answered, one of 201 is refused."""
    assert not (await users.internal.BatchGetUsers(BatchGetUsersRequest(user_ids=range(1, 201)))).users
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await users.internal.BatchGetUsers(BatchGetUsersRequest(user_ids=range(1, 202)))
    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert violations_of(caught.value) == [("user_ids", "FIELD_INVALID")]


@pytest.mark.parametrize("handle", ["", "ab", "a" * 31, "Ada", "a-b", "ada lovelace", "adä", "ada\n", "a\0da"])
async def test_handle_is_invalid(users: Users, handle: str) -> None:
    """A malformed handle is refused with the field's name."""
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await users.public.CreateUser(CreateUserRequest(handle=handle, password=PASSWORD))
    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert reason_of(caught.value) == "HANDLE_INVALID"
    assert violations_of(caught.value) == [("handle", "HANDLE_INVALID")]


@pytest.mark.parametrize("password", ["", "1234567", "éééé123", "x" * 1025])
async def test_password_is_invalid(users: Users, password: str) -> None:
    """A password of fewer than 8 or more than 1,024 characters is refused with the field's name, not its value."""
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await users.public.CreateUser(CreateUserRequest(handle=new_handle(), password=password))
    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert reason_of(caught.value) == "PASSWORD_INVALID"
    assert violations_of(caught.value) == [("password", "PASSWORD_INVALID")]
    assert not password or password not in str(caught.value)


@pytest.mark.parametrize("password", ["12345678", "x" * 1024, "é" * 1024])
async def test_password_at_its_limits(users: Users, password: str) -> None:
    """Passwords of 8 and of 1,024 characters are accepted, however many bytes they take."""
    request = CreateUserRequest(handle=new_handle(), password=password)
    assert (await users.public.CreateUser(request)).user.user_id


@pytest.mark.parametrize("name", ["x" * 65, "two\nlines", "nul\0", "\x1b[31mred"])
async def test_display_name_is_invalid(users: Users, name: str) -> None:
    """A name that is too long or has control characters is refused with the field's name."""
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await users.public.CreateUser(CreateUserRequest(handle=new_handle(), display_name=name, password=PASSWORD))
    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert violations_of(caught.value) == [("display_name", "FIELD_INVALID")]


async def test_every_broken_rule_is_named(users: Users) -> None:
    """A request that breaks several rules gets all violations at once."""
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await users.public.CreateUser(CreateUserRequest(handle="A", display_name="x" * 65, password="short"))
    assert dict(violations_of(caught.value)) == {
        "handle": "HANDLE_INVALID",
        "display_name": "FIELD_INVALID",
        "password": "PASSWORD_INVALID",
    }


async def test_handle_is_taken(users: Users) -> None:
    """A taken handle is refused and keeps its owner."""
    user = await users.new_user("First")
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await users.public.CreateUser(CreateUserRequest(handle=user.handle, password=PASSWORD))
    assert caught.value.code() is grpc.StatusCode.ALREADY_EXISTS
    assert reason_of(caught.value) == "HANDLE_TAKEN"
    request = GetUserByHandleRequest(handle=user.handle)
    assert (await users.public.GetUserByHandle(request, metadata=SOMEBODY)).user == user


async def test_handle_goes_to_one_of_many(users: Users) -> None:
    """Of concurrent sign-ups with one handle exactly one succeeds; the others get HANDLE_TAKEN."""
    handle = new_handle()

    async def create(name: str) -> User | str:
        request = CreateUserRequest(handle=handle, display_name=name, password=PASSWORD)
        try:
            return (await users.public.CreateUser(request)).user
        except grpc.aio.AioRpcError as error:
            return reason_of(error)

    outcomes = await asyncio.gather(*(create(f"Number {each}") for each in range(25)))
    winners = [each for each in outcomes if isinstance(each, User)]
    assert len(winners) == 1
    assert outcomes.count("HANDLE_TAKEN") == 24
    found = await users.public.GetUserByHandle(GetUserByHandleRequest(handle=handle), metadata=SOMEBODY)
    assert found.user == winners[0]


@pytest.mark.parametrize("user_id", [0, -1, 5, 2**63 - 1, -(2**63)])
async def test_user_is_not_found_by_id(users: Users, user_id: int) -> None:
    """An unknown id is USER_NOT_FOUND, whatever the number."""
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await users.public.GetUser(GetUserRequest(user_id=user_id), metadata=SOMEBODY)
    assert caught.value.code() is grpc.StatusCode.NOT_FOUND
    assert reason_of(caught.value) == "USER_NOT_FOUND"


@pytest.mark.parametrize("handle", ["", "nobody", "Not A Handle", "n\0", pytest.param("é" * 100_000, id="long")])
async def test_user_is_not_found_by_handle(users: Users, handle: str) -> None:
    """An unknown or malformed handle is USER_NOT_FOUND."""
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await users.public.GetUserByHandle(GetUserByHandleRequest(handle=handle), metadata=SOMEBODY)
    assert caught.value.code() is grpc.StatusCode.NOT_FOUND
    assert reason_of(caught.value) == "USER_NOT_FOUND"


async def test_reading_needs_a_token(users: Users) -> None:
    """People need a token to read accounts; other services do not."""
    user = await users.new_user()
    calls = (
        users.public.GetUser(GetUserRequest(user_id=user.user_id)),
        users.public.GetUserByHandle(GetUserByHandleRequest(handle=user.handle)),
    )
    for call in calls:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await call
        assert caught.value.code() is grpc.StatusCode.UNAUTHENTICATED
        assert reason_of(caught.value) == "TOKEN_MISSING"


async def test_accounts_outlive_the_process(
    tmp_path: Path, store_settings: ServiceSettings, redis_url: str, sights: ServedSights
) -> None:
    """After a restart the account exists and its handle is still taken."""
    async with running_users(tmp_path, store_settings, redis_url=redis_url) as before:
        user = await before.new_user("Ada")
    async with running_users(tmp_path, store_settings, redis_url=redis_url, follow_addr=sights.address) as after:
        found = await after.public.GetUser(GetUserRequest(user_id=user.user_id), metadata=SOMEBODY)
        assert found.user == user
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await after.public.CreateUser(CreateUserRequest(handle=user.handle, password=PASSWORD))
        assert reason_of(caught.value) == "HANDLE_TAKEN"


async def test_id_that_is_taken_is_not_used(opened: Opened) -> None:
    """If a new id is taken, the account gets another one and the older account is unchanged."""
    ids = iter([7, 7, 7, 8])
    async with open_passwords() as passwords:
        create = CreateUser(opened.store, passwords, lambda: next(ids))
        first = await create("ada", "Ada", PASSWORD)
        second = await create("bob", "Bob", PASSWORD)
        assert (first.user_id, second.user_id) == (7, 8)
        assert await opened.store.get_users([7, 8]) == [first, second]
