"""Exchange a refresh token for new tokens."""

import time
from collections.abc import Callable

import structlog

from user_svc.session import RefreshToken, Session, SessionLife, invalid_token
from user_svc.sessions.access_tokens import TokenSigner
from user_svc.sessions.end_session import EndSession
from user_svc.sessions.open_session import OpenSession
from user_svc.store import UserStore

_log = structlog.get_logger()


class RefreshSession:
    """Issues new tokens once per refresh token. Reusing one means that it was stolen: the session ends."""

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
        next_token = token.next()
        if not await self._store.rotate_session(
            session.session_id, token.turn_hash, next_token.turn_hash, self._life.expiry(session.created_at, now), now
        ):
            await self._revoke(session)
            raise invalid_token()
        return OpenSession(account.user, self._signer.sign(session.user_id, session.session_id, now), str(next_token))

    async def _find(self, token: RefreshToken, now: int) -> Session:
        session = await self._store.get_session(token.session_id)
        if session is None or session.is_revoked or session.expires_at <= now or not token.is_of(session):
            raise invalid_token()
        return session

    async def _revoke(self, session: Session) -> None:
        await self._end_session(session.session_id)
        _log.warning("refresh_token_reused", user_id=session.user_id, session_id=session.session_id)
