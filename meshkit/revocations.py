"""Ended sessions, so that every service refuses their access tokens within a second or two.

The edge verifies tokens without calling a service, so after a log-out a token would stay valid until it expires. user_svc stores
ended sessions in Redis until their last token has expired, and each serving process keeps a copy in memory. While Redis is down,
new log-outs are not noticed and tokens stay valid until they expire.
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
from meshkit.redis.outages import RedisOutages
from meshkit.tasks.periodic import every

# A sorted set of session ids, scored by when their last token expires, in whole seconds since 1970.
KEY = "sessions:revoked"
POLL_SECONDS = 1.0
# A repeated log-out is answered like the first one.
LOG_OUT = "/lensfeed.user.v1.UserService/DeleteSession"
# How much the clocks of two writers may differ without an entry being missed.
OVERLAP_SECONDS = 300
_log = structlog.get_logger()


class Revocations:
    """The ended sessions in Redis, and this process's copy of them."""

    def __init__(self, redis: "Redis", now: Callable[[], float] = time.time) -> None:
        self._redis = redis
        self._now = now
        self._until: dict[str, int] = {}
        self._newest = 0

    async def add(self, session_id: str, until: int) -> None:
        """Refuse a session's tokens, of which the last expires at `until`. Repeatable; never fails."""
        self._until[session_id] = until
        try:
            async with self._redis.pipeline(transaction=False) as pipeline:
                pipeline.zadd(KEY, {session_id: until})
                pipeline.zremrangebyscore(KEY, "-inf", self._now())
                await pipeline.execute()
        except (RedisError, OSError) as error:
            _log.warning("revocation_not_stored", session_id=session_id, error=repr(error))

    def has(self, session_id: str | None) -> bool:
        """Tell whether a session has ended."""
        return session_id in self._until

    async def run(self, stopping: asyncio.Event) -> None:
        """Keep the copy up to date until the process stops."""
        outages = RedisOutages("revocations_not_read")
        async for _ in every(POLL_SECONDS, stopping):
            with outages.tolerated():
                await self.poll()

    async def poll(self) -> None:
        """Read new entries, and forget sessions whose tokens have all expired."""
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
    """Open the ended sessions."""
    async with open_redis(redis_url) as redis:
        yield Revocations(redis)
