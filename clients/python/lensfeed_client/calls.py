"""Calls to a mesh, with a deadline, an access token and, where that is safe, retries."""

import asyncio
import time
from collections.abc import Sequence
from functools import partial
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import grpc
import stamina

from lensfeed_client.errors import LensfeedError, from_rpc
from lensfeed_client.repeats import OPEN, REPEATS, Repeat
from lensfeed_client.sessions.tokens import TOKEN_INVALID, Tokens

TRIES = 8

AWAY_SECONDS = 2.0
"""How long to retry when nothing answers. Callers should soon learn that a mesh is down."""

IDEMPOTENCY_KEY = "idempotency-key"
OUTCOME_UNKNOWN = "OUTCOME_UNKNOWN"

# Codes of calls that the mesh did not begin with, if it says when to retry.
_REFUSED = frozenset({grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.RESOURCE_EXHAUSTED})
# Codes of calls without an answer. A server that stops ends its calls with CANCELLED.
_LOST = frozenset({grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED})

_FAILED = frozenset({grpc.ChannelConnectivity.TRANSIENT_FAILURE, grpc.ChannelConnectivity.SHUTDOWN})

_OPTIONS = (
    # Servers of earlier versions send pages of 100 posts with ten media each, all with alternative texts: about 6 MiB.
    ("grpc.max_receive_message_length", 16 * 1024 * 1024),
    # Find a restarted mesh at once, not after a second.
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 5_000),
    # Do not share connections between channels.
    ("grpc.use_local_subchannel_pool", 1),
)

Metadata = Sequence[tuple[str, str]]


def open_channel(url: str, root_certificates: bytes | None = None) -> grpc.aio.Channel:
    """Open a channel to the edge of a mesh, with TLS for https and without for http. Raises ValueError."""
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.path.strip("/"):
        raise ValueError(f"not the address of a mesh, such as https://feed.example: {url}")
    if parts.scheme == "http":
        return grpc.aio.insecure_channel(f"{_host(parts.hostname)}:{parts.port or 80}", options=_OPTIONS)
    credentials = grpc.ssl_channel_credentials(root_certificates)
    return grpc.aio.secure_channel(f"{_host(parts.hostname)}:{parts.port or 443}", credentials, options=_OPTIONS)


async def connect(channel: grpc.aio.Channel, seconds: float) -> None:
    """Connect a channel. Raises LensfeedError if that fails or takes too long."""
    try:
        async with asyncio.timeout(seconds):
            while (state := channel.get_state(try_to_connect=True)) is not grpc.ChannelConnectivity.READY:
                if state in _FAILED:
                    raise LensfeedError(grpc.StatusCode.UNAVAILABLE, "", "the mesh cannot be reached")
                await channel.wait_for_state_change(state)
    except TimeoutError:
        raise LensfeedError(
            grpc.StatusCode.DEADLINE_EXCEEDED, "", "the mesh did not accept the connection in time"
        ) from None


class CallingChannel:
    """The part of a channel that generated stubs use. Their methods become coroutines that raise LensfeedError."""

    def __init__(self, channel: grpc.aio.Channel, timeout: float, tokens: Tokens | None = None) -> None:
        self._channel = channel
        self._timeout = timeout
        self._tokens = tokens

    def unary_unary(self, path: str, *serializers: Any, **more: Any) -> "Method":
        """Return one method."""
        return Method(path, self._channel.unary_unary(path, *serializers, **more), self._tokens, self._timeout)


class Method:
    """One method. Call it with a request and optionally `timeout` (seconds) and `metadata`."""

    def __init__(self, path: str, send: Any, tokens: Tokens | None, timeout: float) -> None:
        self._path = path
        self._send = send
        self._tokens = tokens
        self._timeout = timeout
        self._repeat = REPEATS.get(path, Repeat.NOT_BEGUN)

    async def __call__(
        self,
        request: Any,
        *,
        timeout: float | None = None,  # noqa: ASYNC109 - as in gRPC
        metadata: Metadata | None = None,
    ) -> Any:
        """Call the method. Raises LensfeedError. `timeout` covers all attempts together."""
        seconds = self._timeout if timeout is None else timeout
        begins = time.monotonic()
        ends = begins + seconds
        stated = self._with_key(metadata or ())
        is_safe = self._repeat is not Repeat.NOT_BEGUN
        delay = partial(_retry_delay, begins=begins if is_safe else None, ends=ends)
        async for attempt in stamina.retry_context(on=delay, attempts=TRIES, timeout=seconds, wait_jitter=0.2):
            with attempt:
                return await self._with_token(request, ends, stated)
        raise AssertionError("the last attempt returns or raises")

    def _with_key(self, metadata: Metadata) -> tuple[tuple[str, str], ...]:
        """Give the call a key that all of its attempts share, unless the caller has chosen one."""
        if self._repeat is not Repeat.WITH_KEY or any(name == IDEMPOTENCY_KEY for name, _ in metadata):
            return tuple(metadata)
        return (*metadata, (IDEMPOTENCY_KEY, str(uuid4())))

    async def _with_token(self, request: Any, ends: float, metadata: Metadata) -> Any:
        tokens = self._tokens
        if tokens is None or self._path in OPEN:
            return await self._once(request, ends, metadata, None)
        token = await tokens.current()
        try:
            return await self._once(request, ends, metadata, token)
        except LensfeedError as error:
            if error.reason != TOKEN_INVALID or token is None:
                raise
        # The edge refused the token, so nothing was done.
        return await self._once(request, ends, metadata, await tokens.renew(token))

    async def _once(self, request: Any, ends: float, metadata: Metadata, token: str | None) -> Any:
        stated = (*metadata, ("authorization", f"Bearer {token}")) if token else metadata
        try:
            return await self._send(request, timeout=max(0.0, ends - time.monotonic()), metadata=stated)
        except grpc.aio.AioRpcError as error:
            raise from_rpc(error) from None


def _retry_delay(error: Exception, *, begins: float | None, ends: float) -> bool | float:
    """Return whether to try again, or after how many seconds if the mesh says so.

    `begins` is the start time of a call that may be repeated when its outcome is unknown, and None for any other.
    """
    if not isinstance(error, LensfeedError):
        return False
    if error.code in _REFUSED and error.retry_after is not None:
        return error.retry_after if time.monotonic() + error.retry_after < ends else False
    if error.code not in _LOST or begins is None:
        return False
    # Without a reason it may be the mesh itself that is away.
    return error.reason == OUTCOME_UNKNOWN or time.monotonic() < begins + AWAY_SECONDS


def _host(name: str) -> str:
    return f"[{name}]" if ":" in name else name
