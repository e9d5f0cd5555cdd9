"""Sessions that have ended while access tokens of theirs are still good: every service refuses them within a second or two.

The edge verifies tokens without asking anybody, so that a log-out would leave a token good for the rest of its minutes. user_svc
writes ended sessions down in Redis until their last token has expired, and each serving process keeps a copy in memory. While
Redis is away no log-out is heard of, and tokens live as long as they say.
"""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from typing import Any

import structlog
from redis.asyncio import Redis
from redis.exceptions import RedisError

from meshkit.call import current_call
from meshkit.errors import UnauthenticatedError
from meshkit.grpc.layers.base import Handler, Method
from meshkit.grpc.server import Process
from meshkit.redis.client import open_redis

# A sorted set of session ids, scored by when their last token expires, in whole seconds since 1970.
KEY = "sessions:revoked"
LOOK_SECONDS = 1.0
# Logging out a second time says the same as the first time.
LOG_OUT = "/lensfeed.user.v1.UserService/DeleteSession"
# How far the clocks of two writers may be apart without an entry being overlooked.
OVERLAP_SECONDS = 300
_log = structlog.get_logger()


class Revocations:
    """The book of ended sessions, and this process's copy of it."""

    def __init__(self, redis: "Redis", now: Callable[[], float] = time.time) -> None:
        self._redis = redis
        self._now = now
        self._until: dict[str, int] = {}
        self._newest = 0

    async def add(self, session_id: str, until: int) -> None:
        """Refuse a session's tokens, the last of which expires at `until`. Repeatable; never fails."""
        self._until[session_id] = until
        try:
            async with self._redis.pipeline(transaction=False) as pipeline:
                pipeline.zadd(KEY, {session_id: until})
                pipeline.zremrangebyscore(KEY, "-inf", self._now())
                await pipeline.execute()
        except (RedisError, OSError) as error:
            _log.warning("revocation_not_told", session_id=session_id, error=repr(error))

    def has(self, session_id: str | None) -> bool:
        """Tell whether a session has ended."""
        return session_id in self._until

    async def run(self, stopping: asyncio.Event) -> None:
        """Keep the copy up to date until the process stops."""
        is_away = False
        while not stopping.is_set():
            try:
                await self.look()
                is_away = False
            except (RedisError, OSError) as error:
                if not is_away:  # once an outage
                    _log.warning("revocations_not_read", error=repr(error))
                is_away = True
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stopping.wait(), LOOK_SECONDS)

    async def look(self) -> None:
        """Read what is new, and forget whose tokens have all expired."""
        since = max(self._now(), self._newest - OVERLAP_SECONDS)
        found: Any = await self._redis.zrange(KEY, since, "+inf", byscore=True, withscores=True)
        for member, score in found:
            self._until[member.decode()] = int(score)
            self._newest = max(self._newest, int(score))
        now = self._now()
        self._until = {session: until for session, until in self._until.items() if until > now}

    def guard(self, process: Process) -> Process:
        """Make a process refuse calls of ended sessions."""
        background = {**process.background, "revocations": self.run}
        return replace(process, layers=(*process.layers, self.layer), background=background)

    def layer(self, method: Method, handler: Handler) -> Handler:
        """Refuse calls of ended sessions (TOKEN_INVALID), as the edge does with expired tokens."""
        if not method.needs_user or method.path == LOG_OUT:
            return handler

        async def call(request: Any, context: Any) -> Any:
            if self.has(current_call().session_id):
                raise UnauthenticatedError("TOKEN_INVALID", "the access token is not valid, or no longer")
            return await handler(request, context)

        return call


@contextlib.asynccontextmanager
async def open_revocations(redis_url: str) -> AsyncIterator[Revocations]:
    """Open the book."""
    async with open_redis(redis_url) as redis:
        yield Revocations(redis)
