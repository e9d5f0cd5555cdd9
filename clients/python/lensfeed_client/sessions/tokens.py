"""The access token of the current session, renew in time and by one caller at a time."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime, timedelta

import grpc
from google.protobuf.timestamp_pb2 import Timestamp
from lensfeed.user.v1.user_service_pb2 import CreateSessionResponse, RefreshSessionResponse

from lensfeed_client.errors import LensfeedError
from lensfeed_client.sessions.session import Session, Sessions

MARGIN = timedelta(seconds=30)
"""How long before its expiry a token is renew, so that calls in flight still arrive in time."""

TOKEN_INVALID = "TOKEN_INVALID"  # noqa: S105 - a reason, not a secret

Refresh = Callable[[str], Awaitable[RefreshSessionResponse]]


class Tokens:
    """Provides the access token of one session and renews it.

    A refresh token works once: within a minute the mesh answers a repeat with the same new tokens, and later it ends the
    session. So whoever refreshes locks the sessions, and a token stays stored until its successor is. If an answer was lost, the
    same token is sent again.
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

        Raises LensfeedError. UNAUTHENTICATED means that the user has to log in again.
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
            # Use a fresh connection: over a dead one, an attempt takes until the deadline.
            async with self._connect() as refresh:
                return await self._refresh(session, refresh)

    async def _refresh(self, session: Session, refresh: Refresh) -> str:
        try:
            reply = await refresh(session.refresh_token)
        except LensfeedError as error:
            if error.code is grpc.StatusCode.UNAUTHENTICATED:
                self._sessions.forget(self._url)
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
