"""Valkey without a mesh."""

from pathlib import Path

import redis.asyncio

from devmesh.parts.valkey import running_valkey


async def test_data_survive_a_restart(tmp_path: Path) -> None:
    """Data are still there after a restart on the same folder."""
    async with running_valkey(tmp_path) as url, redis.asyncio.Redis.from_url(url) as client:
        await client.set("kept", "yes")
    async with running_valkey(tmp_path) as url, redis.asyncio.Redis.from_url(url) as client:
        assert await client.get("kept") == b"yes"
