"""Readiness checks. Each makes one attempt and returns False for not yet."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

TRY_SECONDS = 2.0
"""How long one attempt may take."""

POLL_SECONDS = 0.1

Check = Callable[[], Awaitable[bool]]


async def until(check: Check) -> None:
    """Wait until the check succeeds. Callers must set a timeout."""
    while not await _holds(check):  # noqa: ASYNC110 - another process raises no event here
        await asyncio.sleep(POLL_SECONDS)


async def _holds(check: Check) -> bool:
    try:
        async with asyncio.timeout(TRY_SECONDS):  # wait_for may swallow a cancellation
            return await check()
    except (OSError, TimeoutError, asyncio.IncompleteReadError):
        return False


async def valkey_answers(port: int, password: str | None) -> bool:
    """Return whether Valkey answers PING, which means that its data is loaded."""
    if password is None:
        return (await _ask(port, b"PING\r\n")).startswith(b"+PONG")
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(f"AUTH {password}\r\nPING\r\n".encode())
        return await reader.readline() == b"+OK\r\n" and (await reader.readline()).startswith(b"+PONG")
    finally:
        writer.close()
        await writer.wait_closed()


async def http_status(port: int, path: str) -> int:
    """Return the status of a GET, without an HTTP client: many checks run during a start."""
    request = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n\r\n"
    words = (await _ask(port, request.encode())).split()
    return int(words[1]) if len(words) > 1 else 0


async def grpc_serving(port: int, part: str = "", mesh_tls: Path | None = None) -> bool:
    """Return whether a gRPC server reports SERVING. With mTLS its certificate must name the part."""
    await _knock(port)  # cheaper than a channel while nothing listens
    # Imported here because grpc takes 0.15 s to import.
    import grpc
    from grpc_health.v1 import health_pb2, health_pb2_grpc

    from meshkit.grpc.mesh_channel import ops_channel

    async with ops_channel(f"127.0.0.1:{port}", part, mesh_tls) as channel:
        try:
            reply = await health_pb2_grpc.HealthStub(channel).Check(
                health_pb2.HealthCheckRequest(), timeout=TRY_SECONDS
            )
        except grpc.aio.AioRpcError:
            return False
    return bool(reply.status == health_pb2.HealthCheckResponse.SERVING)


async def _knock(port: int) -> None:
    _, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.close()
    await writer.wait_closed()


async def _ask(port: int, request: bytes) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(request)
        return await reader.readline()
    finally:
        writer.close()
        await writer.wait_closed()
