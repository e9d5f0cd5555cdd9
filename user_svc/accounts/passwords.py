"""Passwords: Argon2id, in a few threads, so that the loop goes on and memory stays bounded."""

import asyncio
import contextlib
import os
import unicodedata
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from meshkit.errors import ResourceExhaustedError
from user_svc.model import MAX_PASSWORD

T = TypeVar("T")
# OWASP's second profile: some 30 ms of one core. The library's default would take 113 ms.
TIME_COST = 2
MEMORY_KIB = 19 * 1024
PARALLELISM = 1
HASHER = PasswordHasher(time_cost=TIME_COST, memory_cost=MEMORY_KIB, parallelism=PARALLELISM)
# More callers than this would wait longer than a person does.
MAX_WAITING = 256
RETRY_AFTER_SECONDS = 2.0


class Passwords:
    """Hashes and verifies. Make it by `open_passwords`."""

    def __init__(self, hasher: PasswordHasher, threads: ThreadPoolExecutor, decoy: str) -> None:
        self._hasher = hasher
        self._threads = threads
        self._decoy = decoy
        self._waiting = 0

    async def hash(self, password: str) -> str:
        """Return the encoded hash, which names its parameters and salt."""
        return await self._run(lambda: self._hasher.hash(_normal(password)))

    async def verify(self, password_hash: str | None, password: str) -> bool:
        """Return whether a password is the one of a hash.

        Costs one hashing whatever is wrong: without a hash, and for a password that is too long to be one, it is spent
        on a decoy.
        """
        if password_hash is None or len(password) > MAX_PASSWORD:
            await self._run(lambda: self._matches(self._decoy, password[:MAX_PASSWORD]))
            return False
        return await self._run(lambda: self._matches(password_hash, password))

    def is_outdated(self, password_hash: str) -> bool:
        """Return whether a hash was made with other parameters than today's."""
        return self._hasher.check_needs_rehash(password_hash)

    def _matches(self, password_hash: str, password: str) -> bool:
        try:
            return self._hasher.verify(password_hash, _normal(password))
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
    """Open as many threads as there are cores, and make the decoy."""
    threads = ThreadPoolExecutor(os.cpu_count() or 1, thread_name_prefix="argon2")
    try:
        decoy = await asyncio.get_running_loop().run_in_executor(threads, hasher.hash, os.urandom(16))
        yield Passwords(hasher, threads, decoy)
    finally:
        await asyncio.to_thread(threads.shutdown)


def _normal(password: str) -> str:
    # One password is one sequence of code points, however a keyboard composes an accent (RFC 8265).
    return unicodedata.normalize("NFC", password)
