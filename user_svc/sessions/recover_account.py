"""Recover an account with a recovery code."""

import time
from collections.abc import Callable
from dataclasses import replace

import structlog

from meshkit.errors import UnavailableError
from user_svc.accounts.change_credentials import MAX_TRIES
from user_svc.accounts.passwords import Passwords, wrong_credentials
from user_svc.accounts.recovery_codes import code_hash
from user_svc.model import Account
from user_svc.sessions.end_sessions import EndSessions
from user_svc.sessions.find_account import find_account
from user_svc.sessions.guesses import Guesses
from user_svc.sessions.open_session import OpenSession, SessionOpener
from user_svc.sessions.origins import Origin
from user_svc.store import UserStore

# A call whose answer was lost may come again for this long, as with idempotency keys.
REPEAT_SECONDS = 24 * 60 * 60
_log = structlog.get_logger()


class RecoverAccount:
    """Sets a new password for somebody who has a code. Every outcome costs one hashing and fails in the same words."""

    def __init__(
        self,
        store: UserStore,
        passwords: Passwords,
        guesses: Guesses,
        end_sessions: EndSessions,
        open_session: SessionOpener,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._store = store
        self._passwords = passwords
        self._guesses = guesses
        self._end_sessions = end_sessions
        self._open_session = open_session
        self._now = now

    async def __call__(self, handle: str, code: str, new_password: str, origin: Origin) -> OpenSession:
        """Use up the code, end all sessions and open one.

        Raises UnauthenticatedError (CREDENTIALS_INVALID), or ResourceExhaustedError (RATE_LIMITED) after too many failures. A
        used code is accepted for a day if the password is the one that it set: the answer to the first call was lost.
        """
        account = await find_account(self._store, handle)
        counted = await self._guesses.begin(handle, account, origin.network)
        used_at = None if account is None else account.recovery.get(code_hash(code))
        if account is None or used_at is None:
            await self._passwords.verify(None, new_password)
            raise wrong_credentials()
        if used_at == 0:
            account = await self._change(account, code_hash(code), await self._passwords.hash(new_password))
            await self._end_sessions(account.user.user_id, keep=None)
            _log.warning("account_recovered", user_id=account.user.user_id)
        elif not await self._is_repeated(account, used_at, new_password):
            raise wrong_credentials()
        await self._guesses.succeed(counted)
        return await self._open_session(account, origin)

    async def _change(self, account: Account, code: bytes, new_hash: str) -> Account:
        user_id = account.user.user_id
        for _ in range(MAX_TRIES):
            changed = replace(
                account,
                password_hash=new_hash,
                password_version=account.password_version + 1,
                kept_session="",
                recovery={**account.recovery, code: int(self._now())},
            )
            if await self._store.replace_credentials(account, changed):
                return changed
            latest = await self._store.get_account(user_id)
            if latest is None or latest.recovery.get(code) != 0:  # another call used it first
                raise wrong_credentials()
            account = latest
        raise UnavailableError

    async def _is_repeated(self, account: Account, used_at: int, new_password: str) -> bool:
        is_same = await self._passwords.verify(account.password_hash, new_password)
        return is_same and self._now() < used_at + REPEAT_SECONDS
