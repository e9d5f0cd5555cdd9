"""Valkey without a mesh."""

from pathlib import Path

import redis.asyncio

from devmesh.parts.valkey import LISTPACK_ENTRIES, running_valkey


async def test_long_timelines_stay_compact(valkey_url: str) -> None:
    """A sorted set of the configured length keeps the compact encoding."""
    async with redis.asyncio.Redis.from_url(valkey_url) as client:
        await client.zadd("compact", {number.to_bytes(16): 0 for number in range(LISTPACK_ENTRIES)})
        assert await client.object("ENCODING", "compact") == b"listpack"
        await client.delete("compact")


async def test_data_survive_a_restart(tmp_path: Path) -> None:
    """Data are still there after a restart on the same folder."""
    async with running_valkey(tmp_path) as url, redis.asyncio.Redis.from_url(url) as client:
        await client.set("kept", "yes")
    async with running_valkey(tmp_path) as url, redis.asyncio.Redis.from_url(url) as client:
        assert await client.get("kept") == b"yes"
