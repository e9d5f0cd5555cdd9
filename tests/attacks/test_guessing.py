"""Somebody who guesses the password of one account.

Before: log-ins were limited by /64 alone, and 400 guesses at one account came from one /48 within 5 s.
Now: failures are counted by handle and by network, and a stranger's failures do not lock the owner out.
"""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import grpc
import pytest
import pytest_asyncio
from lensfeed.user.v1.user_pb2 import User
from lensfeed.user.v1.user_service_pb2 import CreateSessionRequest

from meshkit.service_settings import ServiceSettings
from tests.errors import reason_of
from tests.user_svc.running_users import PASSWORD, Users, new_handle, running_users

pytestmark = pytest.mark.slow

FAILURES = 20


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def users(valkey_url: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Users]:
    """Run a user_svc with the limits of production."""
    folder: Path = tmp_path_factory.mktemp("users")
    store = ServiceSettings(store="sqlite", sqlite_dir=folder / "sqlite")
    async with running_users(folder, store, redis_url=valkey_url) as running:
        yield running


async def log_in(users: Users, handle: str, password: str, address: str) -> str:
    """Log in. Returns the reason of a refusal, or nothing."""
    request = CreateSessionRequest(handle=handle, password=password)
    try:
        await users.public.CreateSession(request, metadata=(("x-lensfeed-address", address),))
    except grpc.aio.AioRpcError as error:
        return reason_of(error)
    return ""


async def guess(users: Users, user: User, count: int) -> list[str]:
    """Guess at one account, all at once, from many addresses of one /48 and of others."""
    addresses = [f"2001:db8:{number % 3}:{number:x}::1" for number in range(count)]
    return await asyncio.gather(*(log_in(users, user.handle, "wrong horse", each) for each in addresses))


async def test_guesses_are_counted_by_handle(users: Users) -> None:
    """However many networks guess at an account together, they have its tries together."""
    reasons = await guess(users, await users.new_user(), 100)
    assert reasons.count("CREDENTIALS_INVALID") == FAILURES
    assert reasons.count("RATE_LIMITED") == 100 - FAILURES


async def test_the_owner_is_not_locked_out(users: Users) -> None:
    """Where the account has a session, its owner logs in while others guess; a guess from there has few tries, too."""
    user = await users.new_user()
    home = "198.51.100.7"
    assert await log_in(users, user.handle, PASSWORD, home) == ""
    await guess(users, user, 60)
    assert await log_in(users, user.handle, PASSWORD, "203.0.113.1") == "RATE_LIMITED"
    assert await log_in(users, user.handle, PASSWORD, home) == ""
    from_home = [await log_in(users, user.handle, "wrong horse", home) for _ in range(FAILURES + 1)]
    assert from_home[-1] == "RATE_LIMITED"


async def test_right_passwords_cost_nothing(users: Users) -> None:
    """Somebody who logs in often, and mistypes now and then, meets no limit."""
    user = await users.new_user()
    for _ in range(3):
        assert await log_in(users, user.handle, "wrong horse", "192.0.2.9") == "CREDENTIALS_INVALID"
    assert {await log_in(users, user.handle, PASSWORD, "192.0.2.9") for _ in range(2 * FAILURES)} == {""}


async def test_a_network_has_a_limit_over_all_handles(users: Users) -> None:
    """One /48 that tries a password on many handles is refused after some hundreds; unknown handles count alike."""
    reasons: list[str] = []
    for batch in range(8):
        addresses = [f"2001:db9:5:{batch:x}{number:02x}::1" for number in range(40)]
        reasons += await asyncio.gather(*(log_in(users, new_handle(), "12345678", each) for each in addresses))
    assert reasons.count("CREDENTIALS_INVALID") == 300
    assert reasons.count("RATE_LIMITED") == 20
