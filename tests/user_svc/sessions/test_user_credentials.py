"""Changing and recovering passwords, over a real channel."""

import asyncio
import time
from datetime import timedelta
from pathlib import Path

import grpc
import pytest
from lensfeed.user.v1.user_pb2 import User
from lensfeed.user.v1.user_service_pb2 import (
    ChangePasswordRequest,
    CreateRecoveryCodesRequest,
    CreateSessionRequest,
    RecoverAccountRequest,
    RecoverAccountResponse,
)

from meshkit.errors import UnauthenticatedError
from meshkit.redis.client import open_redis
from meshkit.revocations import KEY
from meshkit.token_expiry import EDGE_SKEW_SECONDS
from tests.errors import reason_of, status_of
from tests.user_svc.running_users import PASSWORD, Users, caller
from tests.user_svc.sessions.openers import end_session, guesses, opener
from tests.user_svc.sessions.session_calls import is_open, listed, log_in
from tests.user_svc.user_stores import Opened
from user_svc.accounts.change_credentials import ChangeCredentials
from user_svc.accounts.create_user import CreateUser
from user_svc.accounts.passwords import Passwords, open_passwords
from user_svc.accounts.recovery_codes import code_hash
from user_svc.sessions.access_tokens import TokenSigner
from user_svc.sessions.change_password import ChangePassword
from user_svc.sessions.create_session import CreateSession
from user_svc.sessions.end_sessions import EndSessions
from user_svc.sessions.key_ring import KeyRing
from user_svc.sessions.keys import make_keys
from user_svc.sessions.list_sessions import ListSessions

NEW = "a better horse"
LIFE_OF_TOKENS = timedelta(minutes=15)


async def change(users: Users, user: User, session: str | None, old: str = PASSWORD, new: str = NEW) -> None:
    """Change a password."""
    request = ChangePasswordRequest(password=old, new_password=new)
    await users.public.ChangePassword(request, metadata=caller(user.user_id, session))


async def is_password(users: Users, user: User, password: str) -> bool:
    """Return whether a password logs in."""
    try:
        await users.public.CreateSession(CreateSessionRequest(handle=user.handle, password=password))
    except grpc.aio.AioRpcError as error:
        if reason_of(error) != "CREDENTIALS_INVALID":
            raise
        return False
    return True


async def codes_of(users: Users, user: User, password: str = PASSWORD) -> list[str]:
    """Create recovery codes."""
    request = CreateRecoveryCodesRequest(password=password)
    return list((await users.public.CreateRecoveryCodes(request, metadata=caller(user.user_id))).codes)


async def recover(users: Users, user: User, code: str, password: str = NEW) -> RecoverAccountResponse:
    """Recover an account."""
    request = RecoverAccountRequest(handle=user.handle, code=code, new_password=password)
    return await users.public.RecoverAccount(request)


async def test_a_changed_password_ends_all_other_sessions(users: Users, redis_url: str) -> None:
    """The new password logs in, the old one does not, and only the caller's session goes on."""
    user = await users.new_user()
    (current, mine), (other, others) = await log_in(users, user), await log_in(users, user)
    await change(users, user, current)
    assert await is_password(users, user, NEW)
    assert not await is_password(users, user, PASSWORD)
    assert await is_open(users, mine)
    assert not await is_open(users, others)
    assert other not in {each.session_id for each in await listed(users, user)}
    async with open_redis(redis_url) as redis:
        until = await redis.zscore(KEY, other)
        assert until is not None
        assert until > time.time() + 15 * 60 + EDGE_SKEW_SECONDS
        assert await redis.zscore(KEY, current) is None


async def test_the_last_session_to_change_a_password_goes_on(users: Users) -> None:
    """After two changes by two sessions only the later one is open."""
    user = await users.new_user()
    first, token = await log_in(users, user)
    await change(users, user, first)
    request = CreateSessionRequest(handle=user.handle, password=NEW)
    second = (await users.public.CreateSession(request)).refresh_token
    await change(users, user, second.partition(".")[0], NEW, PASSWORD)
    assert not await is_open(users, token)
    assert await is_open(users, second)


async def test_a_wrong_password_changes_nothing(users: Users) -> None:
    """ChangePassword and CreateRecoveryCodes with a wrong password are CREDENTIALS_INVALID."""
    user = await users.new_user()
    codes = await codes_of(users, user)
    _, token = await log_in(users, user)
    for call in (change(users, user, None, "wrong horse"), codes_of(users, user, "wrong horse")):
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await call
        assert (caught.value.code(), reason_of(caught.value)) == (
            grpc.StatusCode.UNAUTHENTICATED,
            "CREDENTIALS_INVALID",
        )
    assert await is_password(users, user, PASSWORD)
    assert await is_open(users, token)
    await recover(users, user, codes[0])


@pytest.mark.parametrize("password", ["", "short", "x" * 1025])
async def test_a_new_password_keeps_the_rule(users: Users, password: str) -> None:
    """A new password of fewer than 8 or more than 1,024 characters is refused with the field's name."""
    user = await users.new_user()
    for call in (change(users, user, None, PASSWORD, password), recover(users, user, "code", password)):
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await call
        assert reason_of(caught.value) == "PASSWORD_INVALID"


async def test_a_code_recovers_an_account_once(users: Users) -> None:
    """A code sets a new password, ends all sessions and logs in. It does not work twice; the others stay good."""
    user = await users.new_user()
    codes = await codes_of(users, user)
    assert len(set(codes)) == 10
    _, token = await log_in(users, user)
    opened = await recover(users, user, codes[0].upper().replace("-", " "))
    assert opened.user == user
    assert not await is_open(users, token)
    assert await is_open(users, opened.refresh_token)
    assert await is_password(users, user, NEW)
    assert not await is_password(users, user, PASSWORD)
    with pytest.raises(grpc.aio.AioRpcError):
        await recover(users, user, codes[0], "another horse")
    assert await is_password(users, user, NEW)
    await recover(users, user, codes[1], PASSWORD)


async def test_a_recovery_whose_answer_was_lost_can_be_repeated(users: Users) -> None:
    """The same code with the same new password logs in again and ends nothing more."""
    user = await users.new_user()
    [code, *_] = await codes_of(users, user)
    first = await recover(users, user, code)
    again = await recover(users, user, code)
    assert await is_open(users, first.refresh_token)
    assert await is_open(users, again.refresh_token)


async def test_concurrent_recoveries_with_one_code_agree(users: Users) -> None:
    """Of several new passwords for one code exactly one is set."""
    user = await users.new_user()
    [code, *_] = await codes_of(users, user)
    passwords = [f"horse number {number}" for number in range(4)]
    outcomes = await asyncio.gather(*(recover(users, user, code, each) for each in passwords), return_exceptions=True)
    won = [
        each for each, outcome in zip(passwords, outcomes, strict=True) if isinstance(outcome, RecoverAccountResponse)
    ]
    assert len(won) == 1
    assert [each for each in passwords if await is_password(users, user, each)] == won


async def test_new_codes_void_the_former_ones(users: Users) -> None:
    """CreateRecoveryCodes replaces all codes."""
    user = await users.new_user()
    [former, *_] = await codes_of(users, user)
    [code, *_] = await codes_of(users, user)
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await recover(users, user, former)
    assert reason_of(caught.value) == "CREDENTIALS_INVALID"
    await recover(users, user, code)


async def test_a_failed_recovery_tells_nothing(users: Users) -> None:
    """A wrong code, another user's code, an unknown handle and a malformed one get the same status, byte for byte."""
    user, other, without = await users.new_user(), await users.new_user(), await users.new_user()
    codes = await codes_of(users, other)
    await codes_of(users, user)
    wrong = [
        RecoverAccountRequest(handle=user.handle, code="aaaa-aaaa-aaaa-aaaa", new_password=NEW),
        RecoverAccountRequest(handle=user.handle, code=codes[0], new_password=NEW),
        RecoverAccountRequest(handle=user.handle, new_password=NEW),
        RecoverAccountRequest(handle=without.handle, code=codes[0], new_password=NEW),
        RecoverAccountRequest(handle="nobody.at.all", code=codes[0], new_password=NEW),
        RecoverAccountRequest(handle="No Handle", code=codes[0], new_password=NEW),
    ]
    statuses = []
    for request in wrong:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await users.public.RecoverAccount(request)
        statuses.append(status_of(caught.value).SerializeToString())
    assert len(set(statuses)) == 1
    assert reason_of(caught.value) == "CREDENTIALS_INVALID"


async def test_codes_are_stored_as_hashes(opened: Opened) -> None:
    """A store holds only the SHA-256 of a code, in any spelling."""
    assert code_hash("k3zq-7bwm-x2ha-5tnc") == code_hash(" K3ZQ7BWM X2HA5TNC") != code_hash("k3zq-7bwm-x2ha-5tnd")


async def test_no_log_in_survives_a_change_of_the_password(opened: Opened, tmp_path: Path) -> None:
    """Log-ins with the old password that race its change either fail or leave no session that can be refreshed."""
    make_keys(tmp_path)
    signer = TokenSigner(KeyRing(tmp_path / "token-key.pem", 0), LIFE_OF_TOKENS)
    store = opened.store
    async with open_passwords() as passwords:
        user = await CreateUser(store, passwords)("ada", "", PASSWORD)
        slow = _Slowly(passwords)
        log_in_with = CreateSession(store, slow, guesses(store), opener(store, signer))
        change_password = ChangePassword(
            ChangeCredentials(store, passwords), passwords, EndSessions(store, end_session(store))
        )
        racing = [asyncio.create_task(log_in_with("ada", PASSWORD)) for _ in range(4)]
        await slow.verified.wait()
        await change_password(user.user_id, None, PASSWORD, NEW)
        slow.go_on.set()
        outcomes = await asyncio.gather(*racing, return_exceptions=True)
        assert [type(each) for each in outcomes] == [UnauthenticatedError] * 4
        assert await ListSessions(store)(user.user_id) == []
        assert await store.list_sessions(user.user_id) == []


class _Slowly(Passwords):
    """Verifies, then waits before it says so: the caller still holds the account as it was."""

    def __init__(self, passwords: Passwords) -> None:
        self._passwords = passwords
        self.verified, self.go_on = asyncio.Event(), asyncio.Event()

    async def verify(self, password_hash: str | None, password: str) -> bool:
        """Verify, then wait."""
        is_right = await self._passwords.verify(password_hash, password)
        self.verified.set()
        await self.go_on.wait()
        return is_right

    def is_outdated(self, password_hash: str) -> bool:
        """Ask the real one."""
        return self._passwords.is_outdated(password_hash)
