"""A reconnecting link to one Redis server, which pauses after failures."""

import asyncio
from collections.abc import Sequence
from typing import Any

from redis.exceptions import RedisError

from meshkit.redis.link import Command, Link, NotSentError, open_link
from meshkit.redis.url import Endpoint

# For this long after a failure, callers fail at once instead of waiting: they need the time for a fallback.
REST_SECONDS = 0.2
# After the pause one caller tries to connect for this long. Others do not wait for it.
TRIAL_SECONDS = 0.2


class Line:
    """Sends commands over one link. After a failure or stall, callers fail at once until one gets through."""

    def __init__(self, endpoint: Endpoint, timeout: float) -> None:
        self.endpoint = endpoint
        self._timeout = timeout
        self._connecting = asyncio.Lock()
        self._link: Link | None = None
        self._is_down = False
        self._rests_until = 0.0

    @property
    def is_open(self) -> bool:
        """Whether commands would be sent at once."""
        return self._link is not None and self._link.is_open

    @property
    def is_resting(self) -> bool:
        """Whether commands would fail at once."""
        return self._is_down and (self._connecting.locked() or asyncio.get_running_loop().time() < self._rests_until)

    def ask(self, commands: Sequence[Command]) -> asyncio.Future[list[Any]]:
        """Send commands in one round trip. The future gets their answers in order, with error answers as values.

        It fails with NotSentError if they were certainly not executed, and with ConnectionError or TimeoutError if that is
        unknown.
        """
        if self._link is not None and self._link.is_open:
            return self._link.send(commands)
        return asyncio.ensure_future(self._connect_and_ask(commands))

    def close(self) -> None:
        """Close the link. Commands in progress fail."""
        if self._link is not None:
            self._link.close()

    async def _connect_and_ask(self, commands: Sequence[Command]) -> list[Any]:
        return await (await self._connect()).send(commands)

    async def _connect(self) -> Link:
        self._refuse_while_resting()
        async with self._connecting:
            if self._link is not None and self._link.is_open:
                return self._link
            if self._is_down and asyncio.get_running_loop().time() < self._rests_until:
                raise NotSentError("Redis cannot be reached")  # the task we waited for has just tried
            try:
                async with asyncio.timeout(min(self._timeout, TRIAL_SECONDS) if self._is_down else self._timeout):
                    self._link = await open_link(self.endpoint, self._timeout, self._rest)
            except OSError as error:
                # This includes TimeoutError.
                self._rest()
                raise NotSentError("Redis cannot be reached") from error
            except RedisError as error:
                self._rest()
                raise NotSentError(str(error)) from error
            self._is_down = False
            return self._link

    def _refuse_while_resting(self) -> None:
        if self.is_resting:
            raise NotSentError("Redis did not answer a moment ago")

    def _rest(self) -> None:
        self._is_down = True
        self._rests_until = asyncio.get_running_loop().time() + REST_SECONDS
