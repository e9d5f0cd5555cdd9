"""Sign up."""

import hashlib
import json
import time
from collections.abc import Callable

import structlog

from meshkit.errors import AlreadyExistsError, UnavailableError
from meshkit.idempotency import NO_USER, Claim, check_key, mismatch
from meshkit.ids import id_millis, new_id
from user_svc.accounts.passwords import Passwords
from user_svc.model import Account, User, check_display_name
from user_svc.store import UserStore

# The length of a profile's hash, which precedes the password's in a fingerprint.
_PROFILE_BYTES = 32
_log = structlog.get_logger()


class CreateUser:
    """Creates accounts. If several callers want one handle at once, one gets it.

    A key binds its first sign-up to one user id for 24 hours. A repeat finishes what the first call did not, and then returns
    the same account.
    """

    def __init__(self, store: UserStore, passwords: Passwords, make_id: Callable[[], int] = new_id) -> None:
        self._store = store
        self._passwords = passwords
        self._make_id = make_id

    async def __call__(self, handle: str, display_name: str, password: str, key: str | None = None) -> User:
        """Create an account and return it. The contract has already checked the handle and the password.

        Raises InvalidArgumentError (FIELD_INVALID, IDEMPOTENCY_KEY_INVALID), AlreadyExistsError (HANDLE_TAKEN,
        IDEMPOTENCY_MISMATCH).
        """
        check_display_name(display_name)
        if key is None:
            return await self._create(handle, display_name, password)
        check_key(key)
        account = await self._claim(key, handle, display_name, password)
        if await self._store.get_handle_owner(handle) == account.user.user_id:
            [user] = await self._store.get_users([account.user.user_id])
            return user
        if not await self._store.add_account(account) and not await self._is_stored(account):
            # The id is another account's, which happens once in four million times for two ids of one millisecond.
            raise UnavailableError
        return await self._claim_handle(account.user)

    async def _create(self, handle: str, display_name: str, password: str) -> User:
        # Only saves work: the claim of the handle decides.
        if await self._store.get_handle_owner(handle) is not None:
            raise _handle_taken()
        password_hash = await self._passwords.hash(password)
        while True:
            user = _user(self._make_id(), handle, display_name)
            if await self._store.add_account(Account(user, password_hash)):
                return await self._claim_handle(user)

    async def _claim(self, key: str, handle: str, display_name: str, password: str) -> Account:
        """Return the account that a key stands for. Raises AlreadyExistsError (IDEMPOTENCY_MISMATCH)."""
        profile, password_hash = _hash_of(handle, display_name), await self._passwords.hash(password)
        proposed = Claim(self._make_id(), profile + password_hash.encode(), time.time_ns() // 1_000_000)
        bound = await self._store.claim_key(NO_USER, key, proposed)
        if bound.claimed_id != proposed.claimed_id:
            # Nothing but Argon2 may tell passwords apart: a quick hash would let whoever reads the table guess them.
            password_hash = bound.fingerprint[_PROFILE_BYTES:].decode()
            is_same = await self._passwords.verify(password_hash, password)
            if bound.fingerprint[:_PROFILE_BYTES] != profile or not is_same:
                raise mismatch()
        return Account(_user(bound.claimed_id, handle, display_name), password_hash)

    async def _is_stored(self, account: Account) -> bool:
        stored = await self._store.get_account(account.user.user_id)
        return stored is not None and stored.password_hash == account.password_hash

    async def _claim_handle(self, user: User) -> User:
        if await self._store.claim_handle(user.handle, user.user_id) != user.user_id:
            await self._store.remove_account(user.user_id)
            raise _handle_taken()
        _log.info("user_created", user_id=user.user_id)
        return user


def _user(user_id: int, handle: str, display_name: str) -> User:
    return User(user_id, handle, display_name, created_at=id_millis(user_id))


def _hash_of(handle: str, display_name: str) -> bytes:
    return hashlib.sha256(json.dumps([handle, display_name]).encode()).digest()


def _handle_taken() -> AlreadyExistsError:
    return AlreadyExistsError("HANDLE_TAKEN", "the handle is taken")
