"""Exchange a refresh token for new tokens."""

import time
from collections.abc import Callable

import structlog

from user_svc.model import User
from user_svc.session import RefreshToken, Rotation, Session, SessionLife, invalid_token, new_salt
from user_svc.sessions.access_tokens import TokenSigner
from user_svc.sessions.end_session import EndSession
from user_svc.sessions.open_session import OpenSession
from user_svc.store import UserStore

_log = structlog.get_logger()


class RefreshSession:
    """Issues new tokens once per refresh token.

    For a minute, a token is answered with the same tokens again, in case the answer was lost. Reusing one later means that it
    was stolen: the session ends.
    """

    def __init__(
        self,
        store: UserStore,
        signer: TokenSigner,
        end_session: EndSession,
        life: SessionLife,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._store = store
        self._signer = signer
        self._end_session = end_session
        self._life = life
        self._now = now

    async def __call__(self, refresh_token: str) -> OpenSession:
        """Return the session's new tokens. Raises UnauthenticatedError (TOKEN_INVALID)."""
        token = RefreshToken.parse(refresh_token)
        now = int(self._now())
        session = await self._find(token, now)
        # Read before rotating: a failure afterwards would cost the app its session.
        account = await self._store.get_account(session.user_id)
        if account is None or not account.accepts(session):
            raise invalid_token()
        salt = new_salt()
        next_token = token.next(salt)
        rotation = Rotation(
            token.turn_hash, next_token.turn_hash, salt, now, self._life.expiry(session.created_at, now)
        )
        if await self._store.rotate_session(session.session_id, rotation):
            return self._opened(account.user, next_token, now)
        return await self._repeat(token, account.user, now)

    async def _repeat(self, token: RefreshToken, user: User, now: int) -> OpenSession:
        """Answer a token that is not the newest one: as before if its answer may have been lost, or by ending the session."""
        session = await self._store.get_rotated_session(token.session_id)
        if session is not None and session.repeats(token, now):
            return self._opened(user, token.next(session.turn_salt), session.last_used_at)
        if session is not None:
            await self._revoke(session)
        raise invalid_token()

    def _opened(self, user: User, token: RefreshToken, now: int) -> OpenSession:
        return OpenSession(user, self._signer.sign(user.user_id, token.session_id, now), str(token))

    async def _find(self, token: RefreshToken, now: int) -> Session:
        session = await self._store.get_session(token.session_id)
        if session is None or session.is_revoked or session.expires_at <= now or not token.is_of(session):
            raise invalid_token()
        return session

    async def _revoke(self, session: Session) -> None:
        await self._end_session(session.session_id)
        _log.warning("refresh_token_reused", user_id=session.user_id, session_id=session.session_id)
