"""Calls of a mesh: each with a deadline, a token and, where that is safe, more than one try."""

import asyncio
import time
from collections.abc import Sequence
from functools import cache, partial
from typing import Any
from urllib.parse import urlsplit

import grpc
import stamina
from google.protobuf import descriptor_pool
from google.protobuf.descriptor_pb2 import MethodOptions

from lensfeed_client.errors import LensfeedError, from_rpc
from lensfeed_client.tokens import TOKEN_INVALID, Tokens

TRIES = 8

AWAY_SECONDS = 2.0
"""How long a mesh that does not answer at all is asked again: a mesh that is not there should be told of soon."""

IDEMPOTENCY_KEY = "idempotency-key"

# Methods that need no token: nothing is renewed for them.
ANYONE = frozenset(
    {
        "/lensfeed.media.v1.MediaService/PickRendition",
        "/lensfeed.user.v1.UserService/CreateUser",
        "/lensfeed.user.v1.UserService/CreateSession",
        "/lensfeed.user.v1.UserService/RefreshSession",
    }
)
# Repeated here by nobody: whether a token that may have been traded is sent again is a matter of `Tokens`.
_ONCE = frozenset({"/lensfeed.user.v1.UserService/RefreshSession"})

# What may be tried again: the mesh has not begun with it, or doing it twice is the same as once.
_AWAY = frozenset({grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.RESOURCE_EXHAUSTED})

_FAILED = frozenset({grpc.ChannelConnectivity.TRANSIENT_FAILURE, grpc.ChannelConnectivity.SHUTDOWN})

_OPTIONS = (
    # A page of 100 posts with ten described media each takes some 6 MiB.
    ("grpc.max_receive_message_length", 16 * 1024 * 1024),
    # A mesh that starts again is found at once, not after a second.
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 5_000),
    # Each channel has connections of its own.
    ("grpc.use_local_subchannel_pool", 1),
)

Metadata = Sequence[tuple[str, str]]


def open_channel(url: str, root_certificates: bytes | None = None) -> grpc.aio.Channel:
    """Open a channel to the edge of a mesh: with TLS where the URL is of https, in the clear where it is of http."""
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.path.strip("/"):
        raise ValueError(f"not the address of a mesh, as https://feed.example: {url}")
    if parts.scheme == "http":
        return grpc.aio.insecure_channel(f"{_host(parts.hostname)}:{parts.port or 80}", options=_OPTIONS)
    credentials = grpc.ssl_channel_credentials(root_certificates)
    return grpc.aio.secure_channel(f"{_host(parts.hostname)}:{parts.port or 443}", credentials, options=_OPTIONS)


async def connected(channel: grpc.aio.Channel, seconds: float) -> None:
    """Wait until a channel is connected. Raises LensfeedError where it cannot be, or not in time."""
    try:
        async with asyncio.timeout(seconds):
            while (state := channel.get_state(try_to_connect=True)) is not grpc.ChannelConnectivity.READY:
                if state in _FAILED:
                    raise LensfeedError(grpc.StatusCode.UNAVAILABLE, "", "the mesh cannot be reached")
                await channel.wait_for_state_change(state)
    except TimeoutError:
        raise LensfeedError(grpc.StatusCode.DEADLINE_EXCEEDED, "", "the mesh did not take the connection") from None


class CallingChannel:
    """Enough of a channel for generated stubs: their methods become coroutines that raise LensfeedError."""

    def __init__(self, channel: grpc.aio.Channel, timeout: float, tokens: Tokens | None = None) -> None:
        self._channel = channel
        self._timeout = timeout
        self._tokens = tokens

    def unary_unary(self, path: str, *serializers: Any, **more: Any) -> "Method":
        """Return one method."""
        return Method(path, self._channel.unary_unary(path, *serializers, **more), self._tokens, self._timeout)


class Method:
    """One method: called with a request, and `timeout` in seconds and `metadata` if wished."""

    def __init__(self, path: str, send: Any, tokens: Tokens | None, timeout: float) -> None:
        self._path = path
        self._send = send
        self._tokens = tokens
        self._timeout = timeout

    async def __call__(
        self,
        request: Any,
        *,
        timeout: float | None = None,  # noqa: ASYNC109 - as in gRPC
        metadata: Metadata | None = None,
    ) -> Any:
        """Call. Raises LensfeedError, after at most `timeout` seconds of all tries together."""
        seconds = self._timeout if timeout is None else timeout
        begins = time.monotonic()
        ends = begins + seconds
        is_safe = is_idempotent(self._path) or any(key == IDEMPOTENCY_KEY for key, _ in metadata or ())
        pause = partial(_pause, begins=begins if is_safe else None, ends=ends)
        tries = 1 if self._path in _ONCE else TRIES
        async for attempt in stamina.retry_context(on=pause, attempts=tries, timeout=seconds, wait_jitter=0.2):
            with attempt:
                return await self._with_token(request, ends, tuple(metadata or ()))
        raise AssertionError("the last try returns or raises")

    async def _with_token(self, request: Any, ends: float, metadata: Metadata) -> Any:
        tokens = self._tokens
        if tokens is None or self._path in ANYONE:
            return await self._once(request, ends, metadata, None)
        token = await tokens.current()
        try:
            return await self._once(request, ends, metadata, token)
        except LensfeedError as error:
            if error.reason != TOKEN_INVALID or token is None:
                raise
        # Nothing was done: the edge refused it.
        return await self._once(request, ends, metadata, await tokens.renewed(token))

    async def _once(self, request: Any, ends: float, metadata: Metadata, token: str | None) -> Any:
        stated = (*metadata, ("authorization", f"Bearer {token}")) if token else metadata
        try:
            return await self._send(request, timeout=max(0.0, ends - time.monotonic()), metadata=stated)
        except grpc.aio.AioRpcError as error:
            raise from_rpc(error) from None


@cache
def is_idempotent(path: str) -> bool:
    """Tell whether the contract says that calling a method twice is the same as once."""
    method = descriptor_pool.Default().FindMethodByName(path.removeprefix("/").replace("/", "."))
    return bool(method.GetOptions().idempotency_level != MethodOptions.IDEMPOTENCY_UNKNOWN)


def _pause(error: Exception, *, begins: float | None, ends: float) -> bool | float:
    """Tell whether to try again, and after how many seconds where the mesh says so.

    `begins` is when a call that may be repeated began, and None for one that may not.
    """
    if not isinstance(error, LensfeedError) or error.code not in _AWAY:
        return False
    if error.retry_after is None:
        is_young = begins is not None and time.monotonic() < begins + AWAY_SECONDS
        return is_young and error.code is grpc.StatusCode.UNAVAILABLE
    return error.retry_after if time.monotonic() + error.retry_after < ends else False


def _host(name: str) -> str:
    return f"[{name}]" if ":" in name else name
