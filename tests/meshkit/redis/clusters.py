"""Keyspaces for tests in a real Cassandra."""

import asyncio
import contextlib
import secrets
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from time import monotonic
from typing import Any

from meshkit.call import CURRENT, Call
from meshkit.cassandra import Cassandra, CassandraSettings, open_cassandra
from meshkit.errors import UnavailableError

# Enough for a killed node to start again.
PATIENCE_SECONDS = 120


def settings_of(contact_points: str, **others: Any) -> CassandraSettings:
    """Return settings with a unique keyspace."""
    own = {"cassandra_contact_points": contact_points, "cassandra_keyspace_prefix": f"test_{secrets.token_hex(4)}"}
    return CassandraSettings(**own | others)


@contextlib.asynccontextmanager
async def opened(settings: CassandraSettings, *migrations: Path) -> AsyncIterator[Cassandra]:
    """Open a keyspace, and wait until it answers."""
    async with open_cassandra(settings, "meshkit", *migrations) as cassandra:
        await until_it_answers(cassandra)
        yield cassandra


async def until_it_answers(cassandra: Cassandra) -> None:
    """Wait for the cluster."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while True:
            try:
                return await cassandra.check()
            except UnavailableError:
                await asyncio.sleep(0.05)


@contextlib.contextmanager
def call_of(seconds: float) -> Iterator[None]:
    """Run the block in a call with this many seconds left."""
    token = CURRENT.set(Call("a request", deadline=monotonic() + seconds))
    try:
        yield
    finally:
        CURRENT.reset(token)
