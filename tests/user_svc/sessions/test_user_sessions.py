"""Logging in, refreshing and logging out, over a real channel."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import grpc
import jwt
import pytest
from lensfeed.user.v1.user_pb2 import User
from lensfeed.user.v1.user_service_pb2 import (
    CreateSessionRequest,
    CreateSessionResponse,
    DeleteSessionRequest,
    RefreshSessionRequest,
    RefreshSessionResponse,
)

from meshkit.errors import UnauthenticatedError
from tests.errors import reason_of, status_of
from tests.user_svc.running_users import PASSWORD, Users, caller
from tests.user_svc.sessions.openers import LIFE, end_session, guesses, opener
from tests.user_svc.user_stores import Opened, everything_in
from user_svc.accounts.create_user import CreateUser
from user_svc.accounts.passwords import open_passwords
from user_svc.sessions.access_tokens import TokenSigner
from user_svc.sessions.create_session import CreateSession
from user_svc.sessions.key_ring import KeyRing
from user_svc.sessions.keys import make_keys
from user_svc.sessions.list_sessions import ListSessions
from user_svc.sessions.refresh_session import RefreshSession
from user_svc.settings import UserSettings

DAY = 86_400


def claims_of(users: Users, access_token: str) -> dict[str, Any]:
    """Verify an access token as the edge does."""
    keys = jwt.PyJWKSet.from_json((users.folder / "keys/jwks.json").read_text())
    key = keys[jwt.get_unverified_header(access_token)["kid"]]
    claims: dict[str, Any] = jwt.decode(access_token, key, algorithms=["EdDSA"], audience="lensfeed", issuer="lensfeed")
    return claims


async def log_in(users: Users, user: User) -> CreateSessionResponse:
    """Open a session of a user from `new_user`."""
    return await users.public.CreateSession(CreateSessionRequest(handle=user.handle, password=PASSWORD))


async def refresh(users: Users, refresh_token: str) -> RefreshSessionResponse:
    """Refresh."""
    return await users.public.RefreshSession(RefreshSessionRequest(refresh_token=refresh_token))


async def assert_refused(users: Users, refresh_token: str) -> None:
    """Fail unless a refresh token is refused as TOKEN_INVALID."""
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await refresh(users, refresh_token)
    assert caught.value.code() is grpc.StatusCode.UNAUTHENTICATED
    assert reason_of(caught.value) == "TOKEN_INVALID"


async def test_log_in(users: Users) -> None:
    """A log-in returns the account, an access token that the JWKS verifies, and a refresh token."""
    user = await users.new_user("Ada")
    now = int(time.time())
    session = await log_in(users, user)
    claims = claims_of(users, session.access_token)
    assert session.user == user
    assert claims["sub"] == str(user.user_id)
    assert claims["sid"] == session.refresh_token.partition(".")[0]
    assert claims["exp"] == session.expires_at.seconds
    assert claims["exp"] - claims["iat"] == 15 * 60
    assert claims["iat"] >= now


async def test_log_in_ignores_the_case_of_the_handle(users: Users) -> None:
    """A handle typed in upper case logs in; a password in another case does not."""
    user = await users.new_user()
    request = CreateSessionRequest(handle=user.handle.upper(), password=PASSWORD)
    assert (await users.public.CreateSession(request)).user == user
    with pytest.raises(grpc.aio.AioRpcError):
        await users.public.CreateSession(CreateSessionRequest(handle=user.handle, password=PASSWORD.upper()))


async def test_each_log_in_is_a_session_of_its_own(users: Users) -> None:
    """Two log-ins of one user share no token and no session."""
    user = await users.new_user()
    first, second = [await log_in(users, user) for _ in range(2)]
    assert claims_of(users, first.access_token)["sid"] != claims_of(users, second.access_token)["sid"]
    assert first.refresh_token != second.refresh_token


async def test_log_in_fails_in_one_wording(users: Users) -> None:
    """Every failed log-in returns the same status, byte for byte."""
    user = await users.new_user()
    wrong = [
        CreateSessionRequest(handle=user.handle, password="wrong horse"),
        CreateSessionRequest(handle=user.handle),
        CreateSessionRequest(handle=user.handle, password="x" * 1025),
        CreateSessionRequest(handle="nobody_at_all", password=PASSWORD),
        CreateSessionRequest(handle="No Handle", password=PASSWORD),
        CreateSessionRequest(password=PASSWORD),
        CreateSessionRequest(),
    ]
    statuses = []
    for request in wrong:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await users.public.CreateSession(request)
        assert caught.value.code() is grpc.StatusCode.UNAUTHENTICATED
        assert reason_of(caught.value) == "CREDENTIALS_INVALID"
        statuses.append(status_of(caught.value).SerializeToString())
    assert len(set(statuses)) == 1


async def test_refresh_rotates(users: Users) -> None:
    """Each refresh returns new tokens of the same session."""
    user = await users.new_user()
    session = await log_in(users, user)
    tokens = [session.refresh_token]
    for _ in range(3):
        refreshed = await refresh(users, tokens[-1])
        assert refreshed.user == user
        claims = claims_of(users, refreshed.access_token)
        assert claims["sub"] == str(user.user_id)
        assert claims["sid"] == claims_of(users, session.access_token)["sid"]
        assert claims["exp"] == refreshed.expires_at.seconds
        tokens.append(refreshed.refresh_token)
    assert len(set(tokens)) == 4


@pytest.mark.parametrize("age", [2, 3])
async def test_reuse_revokes_the_session(users: Users, age: int) -> None:
    """Reusing a refresh token after its successor was used is refused and ends its session, and no other."""
    user = await users.new_user()
    other = await log_in(users, user)
    tokens = [(await log_in(users, user)).refresh_token]
    for _ in range(age):
        tokens.append((await refresh(users, tokens[-1])).refresh_token)
    await assert_refused(users, tokens[0])
    await assert_refused(users, tokens[-1])
    await refresh(users, other.refresh_token)


async def test_refreshes_at_once_get_the_same_tokens(users: Users) -> None:
    """Concurrent uses of one refresh token get the same new tokens, and the session continues."""
    session = await log_in(users, await users.new_user())
    answers = await asyncio.gather(*(refresh(users, session.refresh_token) for _ in range(8)))
    assert len({each.refresh_token for each in answers}) == 1
    await refresh(users, answers[0].refresh_token)


async def test_made_up_token_ends_nothing(users: Users) -> None:
    """A made-up token is refused and does not end the session that it names."""
    session = await log_in(users, await users.new_user())
    stranger = await log_in(users, await users.new_user())
    session_id = session.refresh_token.partition(".")[0]
    made_up = ("", "nonsense", "a.b", f"{session_id}.{stranger.refresh_token.partition('.')[2]}", f"{session_id}.")
    for token in (*made_up, session.refresh_token + "x", session.refresh_token[:-1], session.access_token):
        await assert_refused(users, token)
    await refresh(users, session.refresh_token)


async def test_log_out(users: Users) -> None:
    """A log-out ends the token's session, can be repeated, and leaves the user's other sessions alone."""
    user = await users.new_user()
    session, other = [await log_in(users, user) for _ in range(2)]
    claims = claims_of(users, session.access_token)
    for _ in range(2):
        await users.public.DeleteSession(DeleteSessionRequest(), metadata=caller(int(claims["sub"]), claims["sid"]))
    await assert_refused(users, session.refresh_token)
    await refresh(users, other.refresh_token)


async def test_log_out_ends_refreshed_tokens(users: Users) -> None:
    """A log-out with an older token ends its session's newer tokens, too."""
    user = await users.new_user()
    session = await log_in(users, user)
    refreshed = await refresh(users, session.refresh_token)
    session_id = claims_of(users, session.access_token)["sid"]
    await users.public.DeleteSession(DeleteSessionRequest(), metadata=caller(user.user_id, session_id))
    await assert_refused(users, refreshed.refresh_token)


async def test_log_out_of_nothing(users: Users) -> None:
    """Logging out of an unknown session succeeds; without a token it is refused."""
    await users.public.DeleteSession(DeleteSessionRequest(), metadata=caller(1, "gone"))
    await users.public.DeleteSession(DeleteSessionRequest(), metadata=caller(1))
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await users.public.DeleteSession(DeleteSessionRequest())
    assert caught.value.code() is grpc.StatusCode.UNAUTHENTICATED
    assert reason_of(caught.value) == "TOKEN_MISSING"


async def test_tokens_are_stored_as_hashes(users: Users) -> None:
    """Neither passwords nor token secrets are in the database."""
    session = await log_in(users, await users.new_user())
    content = await everything_in(users.store)
    session_id, _, secret = session.refresh_token.partition(".")
    assert session_id.encode() in content
    assert secret.encode() not in content
    assert PASSWORD.encode() not in content


async def test_session_of_nobody(opened: Opened, tmp_path: Path) -> None:
    """A session whose account is gone cannot be refreshed."""
    make_keys(tmp_path)
    signer, life = TokenSigner(KeyRing(tmp_path / "token-key.pem", 0), timedelta(minutes=15)), LIFE
    async with open_passwords() as passwords:
        user = await CreateUser(opened.store, passwords)("ada", "", PASSWORD)
        token = (
            await CreateSession(opened.store, passwords, guesses(opened.store), opener(opened.store, signer))(
                "ada", PASSWORD
            )
        ).refresh_token
        await opened.store.remove_account(user.user_id)
        with pytest.raises(UnauthenticatedError, match="TOKEN_INVALID"):
            await RefreshSession(opened.store, signer, end_session(opened.store), life)(token)


async def test_session_expires_unless_refreshed(opened: Opened, tmp_path: Path) -> None:
    """A session ends after 90 days without a refresh; each refresh extends it."""
    async with clocked(opened, tmp_path) as (clock, log_in_then, refresh_then):
        token = (await log_in_then("ada", PASSWORD)).refresh_token
        for _ in range(2):
            clock[0] += 89 * DAY
            token = (await refresh_then(token)).refresh_token
        clock[0] += 90 * DAY
        with pytest.raises(UnauthenticatedError, match="TOKEN_INVALID"):
            await refresh_then(token)


async def test_session_ends_after_a_year(opened: Opened, tmp_path: Path) -> None:
    """However often it is refreshed, a session ends a year after its log-in."""
    async with clocked(opened, tmp_path) as (clock, log_in_then, refresh_then):
        token = (await log_in_then("ada", PASSWORD)).refresh_token
        for _ in range(7):
            clock[0] += 52 * DAY
            token = (await refresh_then(token)).refresh_token
        clock[0] += DAY
        with pytest.raises(UnauthenticatedError, match="TOKEN_INVALID"):
            await refresh_then(token)


async def test_a_refresh_moves_the_last_use(opened: Opened, tmp_path: Path) -> None:
    """A refreshed session is listed with its first and its last use."""
    async with clocked(opened, tmp_path) as (clock, log_in_then, refresh_then):
        opened_session = await log_in_then("ada", PASSWORD)
        began = int(clock[0])
        clock[0] += 3600
        await refresh_then(opened_session.refresh_token)
        [session] = await ListSessions(opened.store, lambda: clock[0])(opened_session.user.user_id)
        assert (session.created_at, session.used_at) == (began, began + 3600)


@contextlib.asynccontextmanager
async def clocked(opened: Opened, folder: Path) -> AsyncIterator[tuple[list[float], CreateSession, RefreshSession]]:
    """Return a clock, and log-ins and refreshes by it, for an account `ada`."""
    make_keys(folder)
    settings = UserSettings(token_key_file=folder / "token-key.pem")
    signer = TokenSigner(KeyRing(settings.token_key_file, 0), settings.access_token_life)
    clock = [time.time()]
    store, life = opened.store, settings.session_life
    async with open_passwords() as passwords:
        await CreateUser(store, passwords)("ada", "", PASSWORD)
        yield (
            clock,
            CreateSession(store, passwords, guesses(store), opener(store, signer, life, lambda: clock[0])),
            RefreshSession(store, signer, end_session(store), life, lambda: clock[0]),
        )
