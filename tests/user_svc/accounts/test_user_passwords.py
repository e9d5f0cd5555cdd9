"""Passwords, and the cost of a wrong one."""

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any, Literal

import pytest
from argon2 import PasswordHasher

from meshkit.errors import ResourceExhaustedError, UnauthenticatedError
from tests.user_svc.sessions.openers import guesses, opener
from tests.user_svc.user_stores import Opened
from user_svc.accounts import passwords as rules
from user_svc.accounts.create_user import CreateUser
from user_svc.accounts.passwords import Passwords, open_passwords
from user_svc.sessions.access_tokens import TokenSigner
from user_svc.sessions.create_session import CreateSession
from user_svc.sessions.key_ring import KeyRing
from user_svc.sessions.keys import make_keys
from user_svc.store import UserStore

LIFE = timedelta(days=1)


class CountingHasher(PasswordHasher):
    """A real hasher that records the parameters of each hash it verifies."""

    def __init__(self, **parameters: Any) -> None:
        super().__init__(**parameters)
        self.verified: list[str] = []

    def verify(self, hash: str | bytes, password: str | bytes) -> Literal[True]:  # noqa: A002 - the library's name
        """Record and verify."""
        self.verified.append(str(hash).rsplit("$", 2)[0])
        return super().verify(hash, password)


@pytest.fixture
def store(opened: Opened) -> UserStore:
    """Return an empty store."""
    return opened.store


@pytest.fixture
def signer(tmp_path: Path) -> TokenSigner:
    """Return a signer of access tokens."""
    make_keys(tmp_path / "keys")
    return TokenSigner(KeyRing(tmp_path / "keys/token-key.pem", 0), LIFE)


def _weak() -> CountingHasher:
    return CountingHasher(time_cost=1, memory_cost=64, parallelism=1)


async def test_password_is_hashed_by_argon2id() -> None:
    """A hash is Argon2id with t=2, 19 MiB, p=1 and its own salt, and verifies its password."""
    async with open_passwords() as passwords:
        first, second = [await passwords.hash("correct horse") for _ in range(2)]
        assert first.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
        assert first != second
        assert await passwords.verify(first, "correct horse")
        assert not await passwords.verify(first, "correct horsf")
        assert not passwords.is_outdated(first)


@pytest.mark.parametrize("password", ["p\0ssword", "пароль-密码-\U0001f40e", "x" * 1024, "\u0000" * 8])
async def test_any_character_counts(password: str) -> None:
    """Every character of a password counts, whatever it is."""
    async with open_passwords() as passwords:
        hashed = await passwords.hash(password)
        assert await passwords.verify(hashed, password)
        assert not await passwords.verify(hashed, password[:-1] + "!")


async def test_accent_is_one_however_it_was_typed() -> None:
    """Composed and combining accents are the same password."""
    async with open_passwords() as passwords:
        assert await passwords.verify(await passwords.hash("caf\u00e9 noir"), "cafe\u0301 noir")


async def test_hash_that_is_none_never_verifies() -> None:
    """A damaged hash and a missing hash count as a wrong password, not as an error."""
    async with open_passwords() as passwords:
        assert not await passwords.verify("damaged", "correct horse")
        assert not await passwords.verify(None, "correct horse")


@pytest.mark.parametrize(
    ("handle", "password"),
    [
        ("ada", "wrong horse"),
        ("ada", ""),
        ("ada", "correct horse" + "x" * 1024),
        ("ada", "x" * 100_000),
        ("nobody", "correct horse"),
        ("No Handle!", "correct horse"),
        ("", ""),
        ("ada\0", "correct horse"),
    ],
)
async def test_every_failed_log_in_costs_one_verification(
    store: UserStore, signer: TokenSigner, handle: str, password: str
) -> None:
    """Every failed log-in verifies one hash with the same parameters and returns the same words."""
    hasher = _weak()
    async with open_passwords(hasher) as passwords:
        await CreateUser(store, passwords)("ada", "", "correct horse")
        with pytest.raises(UnauthenticatedError) as caught:
            await CreateSession(store, passwords, guesses(store), opener(store, signer))(handle, password)
    assert (caught.value.reason, caught.value.message) == (
        "CREDENTIALS_INVALID",
        "the handle or the password is wrong",
    )
    assert hasher.verified == ["$argon2id$v=19$m=64,t=1,p=1"]


async def test_log_in_renews_an_outdated_hash(store: UserStore, signer: TokenSigner) -> None:
    """A log-in replaces an outdated hash; a wrong password replaces nothing."""
    async with open_passwords(_weak()) as passwords:
        user = await CreateUser(store, passwords)("ada", "", "correct horse")
    async with open_passwords() as passwords:
        log_in = CreateSession(store, passwords, guesses(store), opener(store, signer))
        with pytest.raises(UnauthenticatedError):
            await log_in("ada", "wrong horse")
        before = await store.get_account(user.user_id)
        await log_in("ada", "correct horse")
        after = await store.get_account(user.user_id)
        assert before is not None
        assert after is not None
        assert passwords.is_outdated(before.password_hash)
        assert not passwords.is_outdated(after.password_hash)
        assert (await log_in("ada", "correct horse")).user == user


async def test_hashing_refuses_when_too_many_wait() -> None:
    """Too many concurrent callers get OVERLOADED with a retry delay; those within the bound are served."""
    hasher = _weak()
    gate = threading.Event()
    with ThreadPoolExecutor(1) as threads:
        passwords = Passwords(hasher, threads, hasher.hash("decoy"))
        threads.submit(gate.wait)
        waiting = [asyncio.create_task(passwords.hash("correct horse")) for _ in range(rules.MAX_WAITING)]
        await asyncio.sleep(0)
        with pytest.raises(ResourceExhaustedError, match="OVERLOADED"):
            await passwords.hash("correct horse")
        gate.set()
        assert len(set(await asyncio.gather(*waiting))) == rules.MAX_WAITING
        assert await passwords.hash("correct horse")
