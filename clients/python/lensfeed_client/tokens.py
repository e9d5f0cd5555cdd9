"""The access token of whoever is logged in, renewed in time and by one at a time."""

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
from lensfeed_client.sessions import Session, Sessions

MARGIN = timedelta(seconds=30)
"""How long before its end a token is renewed: a call that is sent with it still arrives in time."""

TOKEN_INVALID = "TOKEN_INVALID"  # noqa: S105 - a reason, no secret

# Codes by which the mesh says that it has not traded the token. After any other failure that is not known.
_NOT_TRADED = frozenset(
    {grpc.StatusCode.RESOURCE_EXHAUSTED, grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.INVALID_ARGUMENT}
)


Refresh = Callable[[str], Awaitable[RefreshSessionResponse]]


class Tokens:
    """Gives out the access token of one session.

    A refresh token works once, and a second use ends the session: so whoever refreshes holds the lock of the sessions, takes
    the token out of them before it is sent, and puts the new one there. A token whose answer was lost is never sent again.
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
        """Return a token that works for some time yet, or None where nobody is logged in."""
        session = self._sessions.load(self._url)
        if session is None or not _is_ending(session):
            return session.access_token if session else None
        try:
            return await self.renewed(session.access_token)
        except LensfeedError as error:
            # It may be that only refreshing does not work now: the token is good to its end.
            if error.code is grpc.StatusCode.UNAUTHENTICATED or datetime.now(UTC) >= session.expires_at:
                raise
            return session.access_token

    async def renewed(self, stale: str) -> str:
        """Return a token in the place of one that is ending, or was refused.

        Raises LensfeedError: UNAUTHENTICATED where it takes a log-in, TOKEN_INVALID and SESSION_LOST among the reasons.
        """
        while self._renewal is not None:
            if (token := await asyncio.shield(self._renewal)) != stale:
                return token
        self._renewal = asyncio.create_task(self._renew(stale))
        self._renewal.add_done_callback(self._done)
        # Whoever waits may give up; the refresh goes on, or its answer would be lost.
        return await asyncio.shield(self._renewal)

    async def replace(self, reply: CreateSessionResponse) -> None:
        """Keep a new session in the place of the one that was."""
        async with _held(self._sessions):
            self._sessions.save(_session(self._url, reply))

    async def forget(self) -> None:
        """Drop the session."""
        async with _held(self._sessions):
            self._sessions.forget(self._url)

    async def close(self) -> None:
        """Wait for a refresh that is under way."""
        if self._renewal is not None:
            await asyncio.wait([self._renewal])

    async def _renew(self, stale: str) -> str:
        async with _held(self._sessions):
            session = self._sessions.load(self._url)
            if session is None:
                raise LensfeedError(grpc.StatusCode.UNAUTHENTICATED, "TOKEN_MISSING", "nobody is logged in")
            if session.access_token != stale and not _is_ending(session):
                return session.access_token  # somebody else was quicker
            if not session.refresh_token:
                raise LensfeedError(
                    grpc.StatusCode.UNAUTHENTICATED, "SESSION_LOST", "the answer to a refresh was lost; log in again"
                )
            # Over a connection that was made this moment: a token that goes into a dead one is lost.
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
            renewal.exception()  # seen, also where nobody waits for it any more


@contextlib.asynccontextmanager
async def _held(sessions: Sessions) -> AsyncIterator[None]:
    """Hold the lock of the sessions, without stopping the loop while others do."""
    lock = sessions.locked()
    entering = asyncio.ensure_future(asyncio.to_thread(lock.__enter__))
    try:
        await asyncio.shield(entering)
    except asyncio.CancelledError:
        entering.add_done_callback(lambda entered: None if entered.exception() else lock.__exit__(None, None, None))
        raise
    except TimeoutError:
        raise LensfeedError(
            grpc.StatusCode.DEADLINE_EXCEEDED, "", "another program holds the sessions and does not let go"
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
