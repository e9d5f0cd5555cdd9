"""Refreshing again with the same token, as an app does whose answer was lost."""

from datetime import timedelta
from pathlib import Path

import pytest
from lensfeed.options.v1 import options_pb2
from lensfeed.user.v1 import user_service_pb2
from lensfeed.user.v1.user_service_pb2 import RefreshSessionRequest

from meshkit.errors import UnauthenticatedError
from tests.user_svc.running_users import PASSWORD, Users
from tests.user_svc.sessions.openers import LIFE, end_session, opener
from tests.user_svc.sessions.test_user_sessions import log_in
from tests.user_svc.user_stores import Opened, everything_in
from user_svc.accounts.create_user import CreateUser
from user_svc.accounts.passwords import open_passwords
from user_svc.session import REPEAT_SECONDS
from user_svc.sessions.access_tokens import TokenSigner
from user_svc.sessions.key_ring import KeyRing
from user_svc.sessions.keys import make_keys
from user_svc.sessions.origins import Origin
from user_svc.sessions.refresh_session import RefreshSession


class Clocked:
    """A session on a clock that the test sets, with its first refresh token."""

    def __init__(self, opened: Opened, signer: TokenSigner) -> None:
        self.now = 1_900_000_000.0
        self.first = ""
        self.end_session = end_session(opened.store)
        self.open = opener(opened.store, signer, now=lambda: self.now)
        self.refresh = RefreshSession(opened.store, signer, self.end_session, LIFE, lambda: self.now)

    async def refused(self, token: str) -> bool:
        """Tell whether a refresh token is refused."""
        try:
            await self.refresh(token)
        except UnauthenticatedError:
            return True
        return False


@pytest.fixture
async def clocked(opened: Opened, tmp_path: Path) -> Clocked:
    """Return a new session."""
    make_keys(tmp_path)
    session = Clocked(opened, TokenSigner(KeyRing(tmp_path / "token-key.pem", 0), timedelta(minutes=15)))
    async with open_passwords() as passwords:
        user = await CreateUser(opened.store, passwords)("ada", "", PASSWORD)
    account = await opened.store.get_account(user.user_id)
    assert account is not None
    session.first = (await session.open(account, Origin())).refresh_token
    return session


async def test_a_repeat_gets_the_same_tokens(users: Users) -> None:
    """A token that is sent again is answered as the first time, and the session continues."""
    session = await log_in(users, await users.new_user())
    request = RefreshSessionRequest(refresh_token=session.refresh_token)
    first = await users.public.RefreshSession(request)
    assert await users.public.RefreshSession(request) == first
    following = RefreshSessionRequest(refresh_token=first.refresh_token)
    assert (await users.public.RefreshSession(following)).refresh_token != first.refresh_token


async def test_a_late_repeat_ends_the_session(clocked: Clocked) -> None:
    """A repeat counts for a minute. After that it is theft, which ends the session with all of its tokens."""
    new = await clocked.refresh(clocked.first)
    clocked.now += REPEAT_SECONDS
    assert await clocked.refresh(clocked.first) == new
    clocked.now += 1
    assert await clocked.refused(clocked.first)
    assert await clocked.refused(new.refresh_token)


async def test_a_repeat_after_the_next_refresh_ends_the_session(clocked: Clocked) -> None:
    """If the new token was used, its answer was not lost: the old one must have been stolen."""
    new = await clocked.refresh(clocked.first)
    newest = await clocked.refresh(new.refresh_token)
    assert await clocked.refused(clocked.first)
    assert await clocked.refused(newest.refresh_token)


async def test_a_repeat_does_not_revive_a_session(clocked: Clocked) -> None:
    """After a log-out, a repeat is refused like any other refresh."""
    await clocked.refresh(clocked.first)
    await clocked.end_session(clocked.first.partition(".")[0])
    assert await clocked.refused(clocked.first)


async def test_no_token_can_be_read_from_the_store(users: Users) -> None:
    """Although a repeat gets the same token, the store does not have it."""
    session = await log_in(users, await users.new_user())
    request = RefreshSessionRequest(refresh_token=session.refresh_token)
    refreshed = await users.public.RefreshSession(request)
    content = await everything_in(users.store)
    assert refreshed.refresh_token.partition(".")[2].encode() not in content


def test_the_contract_says_how_long() -> None:
    """The contract tells clients for how long a repeat counts."""
    options = user_service_pb2.DESCRIPTOR.services_by_name["UserService"].methods_by_name["RefreshSession"].GetOptions()
    assert options.Extensions[options_pb2.repeatable_seconds] == REPEAT_SECONDS
