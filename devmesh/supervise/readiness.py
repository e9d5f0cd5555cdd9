"""Whether a part answers yet. Each check is one try: False means not yet."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

TRY_SECONDS = 2.0
"""How long one try may take."""

POLL_SECONDS = 0.1

Check = Callable[[], Awaitable[bool]]


async def until(check: Check) -> None:
    """Return once the check holds. Bound it from outside."""
    while not await _holds(check):  # noqa: ASYNC110 - another process raises no event here
        await asyncio.sleep(POLL_SECONDS)


async def _holds(check: Check) -> bool:
    try:
        async with asyncio.timeout(TRY_SECONDS):  # wait_for may swallow a cancellation, and we would go on for ever
            return await check()
    except (OSError, TimeoutError, asyncio.IncompleteReadError):
        return False


async def valkey_answers(port: int, password: str | None) -> bool:
    """Return whether it answers a PING: the password fits, and its data is loaded."""
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
    """Ask for the status of a GET, without a client's machinery: it is asked twenty times a second while much else starts."""
    request = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n\r\n"
    words = (await _ask(port, request.encode())).split()
    return int(words[1]) if len(words) > 1 else 0


async def grpc_serving(port: int, part: str = "", mesh_tls: Path | None = None) -> bool:
    """Whether the process at a port says SERVING for itself as a whole; with mTLS, whether it is of that part, too."""
    await _knock(port)  # spares a channel for each try while nothing listens yet
    # grpc takes 0.15 s to import, which `lensfeed --help` need not pay.
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
