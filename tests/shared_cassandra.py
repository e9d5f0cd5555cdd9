"""One Cassandra node for all processes that run tests side by side: the first that needs it starts it."""

import asyncio
import contextlib
import fcntl
from collections.abc import AsyncIterator
from pathlib import Path

from anyio import Path as AsyncPath

from devmesh.parts.cassandra.cluster import running_cassandra


@contextlib.asynccontextmanager
async def shared_cassandra(folder: Path) -> AsyncIterator[str]:
    """Give the contact points of the node in `folder`. The process that started it stops it, once nobody else uses it."""
    await AsyncPath(folder).mkdir(exist_ok=True)
    points = AsyncPath(folder / "contact-points")
    async with contextlib.AsyncExitStack() as used:
        async with _locked(folder / "starting", fcntl.LOCK_EX):
            if not await points.exists():
                await used.enter_async_context(_node(folder, points))
            await used.enter_async_context(_locked(folder / "users", fcntl.LOCK_SH))
        yield await points.read_text()


@contextlib.asynccontextmanager
async def _node(folder: Path, points: AsyncPath) -> AsyncIterator[None]:
    async with running_cassandra(folder / "nodes", survives_kill=False) as cluster:
        await points.write_text(cluster.contact_points)
        yield
        async with _locked(folder / "users", fcntl.LOCK_EX):
            await points.unlink()


@contextlib.asynccontextmanager
async def _locked(path: Path, how: int) -> AsyncIterator[None]:
    with path.open("a") as file:
        await asyncio.to_thread(fcntl.flock, file, how)
        yield
