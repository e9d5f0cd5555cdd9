"""Open a session for an account that has proved who it is."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field

import structlog

from user_svc.accounts.passwords import wrong_credentials
from user_svc.model import Account, User
from user_svc.session import RefreshToken, Session, SessionLife
from user_svc.sessions.access_tokens import AccessToken, TokenSigner
from user_svc.sessions.end_session import EndSession
from user_svc.sessions.origins import Origin
from user_svc.store import UserStore

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class OpenSession:
    """An open session as its app gets it: the account and the two tokens."""

    user: User
    access_token: AccessToken
    refresh_token: str = field(repr=False)


class SessionOpener:
    """Opens sessions, unless the password changes at the same moment."""

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

    async def __call__(self, account: Account, origin: Origin) -> OpenSession:
        """Open a session. Raises UnauthenticatedError (CREDENTIALS_INVALID) if the password has changed meanwhile."""
        now = int(self._now())
        token = RefreshToken.new()
        user_id = account.user.user_id
        session = Session(
            token.session_id,
            user_id,
            token.family_hash,
            token.turn_hash,
            created_at=now,
            expires_at=self._life.expiry(now, now),
            password_version=account.password_version,
            last_used_at=now,
            device=origin.device,
            network=origin.network,
        )
        await self._store.add_session(session)
        # A change of the password ends the sessions that it finds. Look again now that this one can be found.
        latest = await self._store.get_account(user_id)
        if latest is None or not latest.accepts(session):
            await self._end_session(session.session_id)
            raise wrong_credentials()
        _log.info("session_created", user_id=user_id)
        return OpenSession(account.user, self._signer.sign(user_id, token.session_id, now), str(token))
