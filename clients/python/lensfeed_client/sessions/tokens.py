"""The access token of the current session, renew in time and by one caller at a time."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import grpc
from google.protobuf.timestamp_pb2 import Timestamp
from lensfeed.user.v1.user_service_pb2 import CreateSessionResponse, RefreshSessionResponse

from lensfeed_client.errors import LensfeedError
from lensfeed_client.sessions.session import Session, Sessions

MARGIN = timedelta(seconds=30)
"""How long before its expiry a token is renew, so that calls in flight still arrive in time."""

TOKEN_INVALID = "TOKEN_INVALID"  # noqa: S105 - a reason, not a secret

# With these codes the mesh says that it has not used the token. After any other failure, nobody knows.
_NOT_TRADED = frozenset(
    {grpc.StatusCode.RESOURCE_EXHAUSTED, grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.INVALID_ARGUMENT}
)


Refresh = Callable[[str], Awaitable[RefreshSessionResponse]]


class Tokens:
    """Provides the access token of one session and renews it.

    A refresh token works once, and using it again ends the session. So whoever refreshes locks the sessions, removes the token
    before sending it, and stores the new one. A token whose answer was lost is never sent again.
    """

    def __init__(
        self,
        sessions: Sessions,
        url: str,
        connect: Callable[[], AbstractAsyncContextManager[Refresh]],
    ) -> None:
        self._sessions = sessions
        self._url = url
        self._connect = connect
        self._renewal: asyncio.Task[str] | None = None

    async def current(self) -> str | None:
        """Return a token that will stay valid for a while, or None when nobody is logged in."""
        session = self._sessions.load(self._url)
        if session is None or not _is_ending(session):
            return session.access_token if session else None
        try:
            return await self.renew(session.access_token)
        except LensfeedError as error:
            # Only refreshing failed. The token works until it expires.
            if error.code is grpc.StatusCode.UNAUTHENTICATED or datetime.now(UTC) >= session.expires_at:
                raise
            return session.access_token

    async def renew(self, stale: str) -> str:
        """Return a new token in place of one that is expiring or was refused.

        Raises LensfeedError. UNAUTHENTICATED means that the user has to log in again, for example TOKEN_INVALID or SESSION_LOST.
        """
        while self._renewal is not None:
            if (token := await asyncio.shield(self._renewal)) != stale:
                return token
        self._renewal = asyncio.create_task(self._renew(stale))
        self._renewal.add_done_callback(self._done)
        # A caller may give up, but the refresh continues so that its answer is not lost.
        return await asyncio.shield(self._renewal)

    async def store(self, reply: CreateSessionResponse) -> None:
        """Store a new session in place of the current one."""
        async with _held(self._sessions):
            self._sessions.save(_session(self._url, reply))

    async def forget(self) -> None:
        """Delete the session."""
        async with _held(self._sessions):
            self._sessions.forget(self._url)

    async def close(self) -> None:
        """Wait for a refresh in progress."""
        if self._renewal is not None:
            await asyncio.wait([self._renewal])

    async def _renew(self, stale: str) -> str:
        async with _held(self._sessions):
            session = self._sessions.load(self._url)
            if session is None:
                raise LensfeedError(grpc.StatusCode.UNAUTHENTICATED, "TOKEN_MISSING", "nobody is logged in")
            if session.access_token != stale and not _is_ending(session):
                return session.access_token  # someone else has just renewed it
            if not session.refresh_token:
                raise LensfeedError(
                    grpc.StatusCode.UNAUTHENTICATED, "SESSION_LOST", "the answer to a refresh was lost; log in again"
                )
            # Use a fresh connection, because a token sent over a dead one is lost.
            async with self._connect() as refresh:
                return await self._trade(session, refresh)

    async def _trade(self, session: Session, refresh: Refresh) -> str:
        self._sessions.save(replace(session, refresh_token=""))
        try:
            reply = await refresh(session.refresh_token)
        except LensfeedError as error:
            if error.code is grpc.StatusCode.UNAUTHENTICATED:
                self._sessions.forget(self._url)
            elif error.code in _NOT_TRADED and error.reason:
                self._sessions.save(session)
            raise
        self._sessions.save(_session(self._url, reply))
        return reply.access_token

    def _done(self, renewal: asyncio.Task[str]) -> None:
        self._renewal = None
        if not renewal.cancelled():
            renewal.exception()  # retrieved even if nobody waits for it any more


@contextlib.asynccontextmanager
async def _held(sessions: Sessions) -> AsyncIterator[None]:
    """Lock the sessions without blocking the event loop."""
    lock = sessions.locked()
    entering = asyncio.ensure_future(asyncio.to_thread(lock.__enter__))
    try:
        await asyncio.shield(entering)
    except asyncio.CancelledError:
        entering.add_done_callback(lambda entered: None if entered.exception() else lock.__exit__(None, None, None))
        raise
    except TimeoutError:
        raise LensfeedError(
            grpc.StatusCode.DEADLINE_EXCEEDED, "", "another program has kept the sessions locked for too long"
        ) from None
    try:
        yield
    finally:
        lock.__exit__(None, None, None)


def _is_ending(session: Session) -> bool:
    return session.expires_at - datetime.now(UTC) < MARGIN


def _session(url: str, reply: CreateSessionResponse | RefreshSessionResponse) -> Session:
    return Session(
        url=url,
        handle=reply.user.handle,
        user_id=reply.user.user_id,
        access_token=reply.access_token,
        refresh_token=reply.refresh_token,
        expires_at=_utc(reply.expires_at),
    )


def _utc(timestamp: Timestamp) -> datetime:
    return timestamp.ToDatetime(tzinfo=UTC)
