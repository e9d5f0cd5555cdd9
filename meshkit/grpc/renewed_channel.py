"""A channel that picks up a renewed certificate while the process runs.

gRPC reads a client's certificate only when a channel is created. Servers can reload theirs.
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from typing import Any

import grpc
import structlog

LOOK_SECONDS = 5.0
"""How often a channel in use checks whether its certificate was replaced."""

GRACE_SECONDS = 300.0
"""How long calls on the previous channel may continue: as long as any call may take."""

_log = structlog.get_logger()


class RenewedChannel(grpc.aio.Channel):
    """Opens a channel per version of the certificate, and calls on the newest."""

    def __init__(self, open_channel: Callable[[], grpc.aio.Channel], version: Callable[[], object]) -> None:
        self._open, self._version = open_channel, version
        self._known = version()
        self._looked = time.monotonic()
        self._closing: set[asyncio.Task[None]] = set()
        self.current = open_channel()

    def look(self) -> grpc.aio.Channel:
        """Return the channel for the next call, opening a new one if the certificate was replaced."""
        if time.monotonic() - self._looked > LOOK_SECONDS:
            self._looked = time.monotonic()
            self._renew()
        return self.current

    def _renew(self) -> None:
        try:
            version = self._version()
            if version == self._known:
                return
            fresh = self._open()
        except OSError as error:  # the files are just being replaced; the next check will succeed
            _log.warning("certificate_not_renewed", error=repr(error))
            return
        old, self.current, self._known = self.current, fresh, version
        task = asyncio.get_running_loop().create_task(old.close(GRACE_SECONDS))
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)

    def unary_unary(self, *args: Any, **kwargs: Any) -> Any:
        """Create a unary method, the only kind that lensfeed has."""
        return _Renewed(self, args, kwargs)

    async def close(self, grace: float | None = None) -> None:
        """Close every channel."""
        for task in self._closing:
            task.cancel()
        await asyncio.gather(*self._closing, return_exceptions=True)
        await self.current.close(grace)

    async def __aenter__(self) -> "RenewedChannel":
        """Return itself."""
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close it."""
        await self.close()

    def get_state(self, try_to_connect: bool = False) -> grpc.ChannelConnectivity:
        """Return the state of the newest channel."""
        return self.current.get_state(try_to_connect)

    async def wait_for_state_change(self, last_observed_state: grpc.ChannelConnectivity) -> None:
        """Wait for the newest channel."""
        await self.current.wait_for_state_change(last_observed_state)

    async def channel_ready(self) -> None:
        """Wait for the newest channel."""
        await self.current.channel_ready()

    def unary_stream(self, *args: Any, **kwargs: Any) -> Any:
        """Create a method on the current channel."""
        return self.current.unary_stream(*args, **kwargs)

    def stream_unary(self, *args: Any, **kwargs: Any) -> Any:
        """Create a method on the current channel."""
        return self.current.stream_unary(*args, **kwargs)

    def stream_stream(self, *args: Any, **kwargs: Any) -> Any:
        """Create a method on the current channel."""
        return self.current.stream_stream(*args, **kwargs)


class _Renewed:
    """A method on the newest channel."""

    def __init__(self, owner: RenewedChannel, args: Sequence[Any], kwargs: dict[str, Any]) -> None:
        self._owner, self._args, self._kwargs = owner, args, kwargs
        self._channel = owner.current
        self._method = self._channel.unary_unary(*args, **kwargs)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        channel = self._owner.look()
        if channel is not self._channel:
            self._channel, self._method = channel, channel.unary_unary(*self._args, **self._kwargs)
        return self._method(*args, **kwargs)
