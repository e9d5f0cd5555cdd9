"""Password hashing with Argon2id, in a few threads so that the event loop stays free and memory bounded."""

import asyncio
import contextlib
import os
import unicodedata
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from meshkit.errors import ResourceExhaustedError, UnauthenticatedError
from user_svc.model import MAX_PASSWORD

T = TypeVar("T")
# OWASP's second profile: about 30 ms of one core. The library's default takes 113 ms.
TIME_COST = 2
MEMORY_KIB = 19 * 1024
PARALLELISM = 1
HASHER = PasswordHasher(time_cost=TIME_COST, memory_cost=MEMORY_KIB, parallelism=PARALLELISM)
# With more callers, the wait would be longer than people's patience.
MAX_WAITING = 256
RETRY_AFTER_SECONDS = 2.0


class Passwords:
    """Hashes and verifies passwords. Create it with `open_passwords`."""

    def __init__(self, hasher: PasswordHasher, threads: ThreadPoolExecutor, decoy: str) -> None:
        self._hasher = hasher
        self._threads = threads
        self._decoy = decoy
        self._waiting = 0

    async def hash(self, password: str) -> str:
        """Return the encoded hash, which includes its parameters and salt."""
        return await self._run(lambda: self._hasher.hash(_normalized(password)))

    async def verify(self, password_hash: str | None, password: str) -> bool:
        """Return whether a password matches a hash.

        Always costs one hashing: without a hash, or if the password is too long, a decoy is hashed.
        """
        if password_hash is None or len(password) > MAX_PASSWORD:
            await self._run(lambda: self._matches(self._decoy, password[:MAX_PASSWORD]))
            return False
        return await self._run(lambda: self._matches(password_hash, password))

    def is_outdated(self, password_hash: str) -> bool:
        """Return whether a hash was made with outdated parameters."""
        return self._hasher.check_needs_rehash(password_hash)

    def _matches(self, password_hash: str, password: str) -> bool:
        try:
            return self._hasher.verify(password_hash, _normalized(password))
        except (VerificationError, InvalidHashError):
            return False

    async def _run(self, work: Callable[[], T]) -> T:
        if self._waiting >= MAX_WAITING:
            raise ResourceExhaustedError("OVERLOADED", "too many calls at once", retry_after=RETRY_AFTER_SECONDS)
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, work)
        finally:
            self._waiting -= 1


@contextlib.asynccontextmanager
async def open_passwords(hasher: PasswordHasher = HASHER) -> AsyncIterator[Passwords]:
    """Open one thread per core and make the decoy."""
    threads = ThreadPoolExecutor(os.cpu_count() or 1, thread_name_prefix="argon2")
    try:
        decoy = await asyncio.get_running_loop().run_in_executor(threads, hasher.hash, os.urandom(16))
        yield Passwords(hasher, threads, decoy)
    finally:
        await asyncio.to_thread(threads.shutdown)


def wrong_credentials() -> UnauthenticatedError:
    """Return the error for a log-in that failed. Its words do not tell what was wrong."""
    return UnauthenticatedError("CREDENTIALS_INVALID", "the handle or the password is wrong")


def _normalized(password: str) -> str:
    # An accent may be composed in several ways. Normalize it to one (RFC 8265).
    return unicodedata.normalize("NFC", password)
