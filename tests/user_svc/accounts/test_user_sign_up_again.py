"""Signing up again with the same idempotency key, as an app does whose answer was lost."""

import asyncio
import hashlib

import grpc
import pytest
from lensfeed.user.v1.user_pb2 import User
from lensfeed.user.v1.user_service_pb2 import CreateSessionRequest, CreateUserRequest

from meshkit.errors import AlreadyExistsError, UnavailableError
from meshkit.idempotency import NO_USER, Claim
from tests.errors import reason_of
from tests.user_svc.running_users import PASSWORD, Users, new_handle
from tests.user_svc.user_stores import Opened
from user_svc.accounts.create_user import CreateUser
from user_svc.accounts.passwords import open_passwords
from user_svc.store import UserStore

OTHER_PASSWORD = "another horse"


async def sign_up(users: Users, key: str, handle: str, name: str = "", password: str = PASSWORD) -> User:
    """Sign up with a key."""
    request = CreateUserRequest(handle=handle, display_name=name, password=password)
    return (await users.public.CreateUser(request, metadata=(("idempotency-key", key),))).user


async def test_a_repeat_returns_the_same_account(users: Users) -> None:
    """A sign-up that is sent again, also at the same time, is answered with the first one's account."""
    handle = new_handle()
    answers = await asyncio.gather(*(sign_up(users, f"key {handle}", handle, "Ada") for _ in range(5)))
    again = await sign_up(users, f"key {handle}", handle, "Ada")
    assert all(answer == again for answer in answers)
    logged_in = await users.public.CreateSession(CreateSessionRequest(handle=handle, password=PASSWORD))
    assert logged_in.user == again


async def test_a_key_is_bound_to_one_sign_up(users: Users) -> None:
    """With another handle, name or password the key is refused, and nothing is created."""
    handle, other = new_handle(), new_handle()
    await sign_up(users, f"key {handle}", handle, "Ada")
    for request in ((other, "Ada", PASSWORD), (handle, "Eve", PASSWORD), (handle, "Ada", OTHER_PASSWORD)):
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await sign_up(users, f"key {handle}", *request)
        assert refused.value.code() is grpc.StatusCode.ALREADY_EXISTS
        assert reason_of(refused.value) == "IDEMPOTENCY_MISMATCH"
    assert (await sign_up(users, f"key {other}", other, "Ada")).handle == other


async def test_a_taken_handle_stays_taken(users: Users) -> None:
    """A repeat of a sign-up that was refused is refused again; without a key, one's own account counts as taken."""
    user = await users.new_user()
    for _ in range(2):
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await sign_up(users, f"key {user.handle}", user.handle)
        assert reason_of(refused.value) == "HANDLE_TAKEN"


@pytest.mark.parametrize("key", ["", "k" * 256])
async def test_a_key_must_be_usable(users: Users, key: str) -> None:
    """A key has 1 to 255 characters."""
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await sign_up(users, key, new_handle())
    assert reason_of(refused.value) == "IDEMPOTENCY_KEY_INVALID"


class Failing:
    """A store that fails once at a step, before or after doing it."""

    def __init__(self, store: UserStore, step: str, *, is_done: bool) -> None:
        self._store = store
        self._step: str | None = step
        self._is_done = is_done

    def __getattr__(self, name: str) -> object:
        method = getattr(self._store, name)
        if name != self._step:
            return method

        async def fail(*arguments: object) -> None:
            self._step = None
            if self._is_done:
                await method(*arguments)
            raise UnavailableError

        return fail


@pytest.mark.parametrize("is_done", [False, True])
@pytest.mark.parametrize("step", ["claim_key", "add_account", "claim_handle"])
async def test_a_repeat_finishes_what_was_begun(opened: Opened, step: str, *, is_done: bool) -> None:
    """Wherever a sign-up fails, the same call can be repeated until it succeeds, and no other gets the handle from it."""
    failing: UserStore = Failing(opened.store, step, is_done=is_done)  # type: ignore[assignment]  # it passes everything on
    async with open_passwords() as passwords:
        create = CreateUser(failing, passwords)
        with pytest.raises(UnavailableError):
            await create("ada", "Ada", PASSWORD, "key")
        user = await create("ada", "Ada", PASSWORD, "key")
        assert await create("ada", "Ada", PASSWORD, "key") == user
        with pytest.raises(AlreadyExistsError, match="HANDLE_TAKEN"):
            await create("ada", "Ada", PASSWORD, "another key")
        account = await opened.store.get_account(user.user_id)
        assert account is not None
        assert await passwords.verify(account.password_hash, PASSWORD)


async def test_a_stored_key_does_not_help_to_guess_a_password(opened: Opened) -> None:
    """The record of a key depends on the password only by a salted Argon2 hash."""
    async with open_passwords() as passwords:
        create = CreateUser(opened.store, passwords)
        await create("ada", "Ada", PASSWORD, "key")
    bound = await opened.store.claim_key(NO_USER, "key", Claim(1, b"", 0))
    profile, password_hash = bound.fingerprint[:32], bound.fingerprint[32:].decode()
    assert profile == hashlib.sha256(b'["ada", "Ada"]').digest()
    assert password_hash.startswith("$argon2id$")
