"""Log in."""

import time
from collections.abc import Callable
from datetime import timedelta

import structlog

from meshkit.errors import UnauthenticatedError
from user_svc.accounts.passwords import Passwords
from user_svc.model import Account, is_handle
from user_svc.session import RefreshToken, Session
from user_svc.sessions.access_tokens import TokenSigner
from user_svc.sessions.open_session import OpenSession
from user_svc.store import UserStore

# Ids are times, so no account has this one.
_UNUSED_ID = 0
_log = structlog.get_logger()


class CreateSession:
    """Opens sessions. Every failure takes the same steps and returns the same words as a wrong password."""

    def __init__(
        self,
        store: UserStore,
        passwords: Passwords,
        signer: TokenSigner,
        life: timedelta,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._store = store
        self._passwords = passwords
        self._signer = signer
        self._life = int(life.total_seconds())
        self._now = now

    async def __call__(self, handle: str, password: str) -> OpenSession:
        """Open a session if the password is right. Raises UnauthenticatedError (CREDENTIALS_INVALID)."""
        account = await self._find(handle)
        is_right = await self._passwords.verify(None if account is None else account.password_hash, password)
        if account is None or not is_right:
            raise UnauthenticatedError("CREDENTIALS_INVALID", "the handle or the password is wrong")
        await self._renew_hash(account, password)
        return await self._open(account)

    async def _find(self, handle: str) -> Account | None:
        owner = await self._store.get_handle_owner(handle) if is_handle(handle) else None
        # Look up an account even if there is none, so that both cases cost the same.
        return await self._store.get_account(_UNUSED_ID if owner is None else owner)

    async def _renew_hash(self, account: Account, password: str) -> None:
        if self._passwords.is_outdated(account.password_hash):
            renewed = await self._passwords.hash(password)
            await self._store.replace_password_hash(account.user.user_id, account.password_hash, renewed)

    async def _open(self, account: Account) -> OpenSession:
        now = int(self._now())
        token = RefreshToken.new()
        user_id = account.user.user_id
        await self._store.add_session(
            Session(token.session_id, user_id, token.family_hash, token.turn_hash, now, now + self._life)
        )
        _log.info("session_created", user_id=user_id)
        return OpenSession(account.user, self._signer.sign(user_id, token.session_id, now), str(token))
