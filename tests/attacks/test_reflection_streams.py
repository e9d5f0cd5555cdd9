"""A client without a token that opens reflection streams and asks nothing.

Before: 64 such streams took `grpc.health.v1.Health/Check` down for 15 s.
Now: health checks have a budget of their own, and a silent stream ends after 2 s.
"""

import asyncio
from collections.abc import AsyncIterator

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from tests.edge_proxy.conftest import Edge

pytestmark = pytest.mark.slow

STREAMS = 150
CHECKS = 50


@pytest.mark.parametrize("version", ["v1", "v1alpha"])
async def test_health_checks_go_on(edge: Edge, version: str) -> None:
    """While one client holds all reflection streams that it can, every health check is answered."""
    path = f"/grpc.reflection.{version}.ServerReflection/ServerReflectionInfo"
    channels = [grpc.aio.insecure_channel(edge.address, options=[("attack", number)]) for number in range(2)]
    streams = [channels[number % 2].stream_stream(path, bytes, bytes)(_nothing()) for number in range(STREAMS)]
    try:
        ends = asyncio.gather(*(stream.code() for stream in streams))
        for _ in range(CHECKS):
            reply = await health_pb2_grpc.HealthStub(edge.channel).Check(health_pb2.HealthCheckRequest(), timeout=5)
            assert reply.status == health_pb2.HealthCheckResponse.SERVING
        await asyncio.wait_for(ends, 60)  # they end by themselves
    finally:
        for channel in channels:
            await channel.close(None)


async def _nothing() -> AsyncIterator[bytes]:
    """Send nothing, and do not end."""
    await asyncio.Event().wait()
    yield b""
