"""Turns off what promises rest on, from outside of the mesh: for controls."""

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator, Callable, Coroutine

from redis import exceptions as redis_errors

from faults.mesh.fault_mesh import FaultMesh
from meshkit.redis.client import open_redis

STREAMS = ("post", "follow", "user", "media", "fan_out")
LEASE_MS = 3_600_000
FEED_GROUP = "feed_svc"


@contextlib.asynccontextmanager
async def without_sweepers(mesh: FaultMesh) -> AsyncIterator[None]:
    """Hold the leases of all sweepers to the mesh's end, as a process would that holds them and does nothing."""
    async with open_redis(mesh.redis_url) as redis:
        leases = [key async for key in redis.scan_iter("events:*:sweeper:*")]
        if not leases:
            raise RuntimeError("no sweeper has a lease")
        for key in leases:
            await redis.set(key, "nobody", px=LEASE_MS)
    yield


@contextlib.asynccontextmanager
async def without_redelivery(mesh: FaultMesh) -> AsyncIterator[None]:
    """Acknowledge whatever feed_svc's worker had in hand when it died, as if it had acknowledged before it began."""
    forgotten = Counter[str]()
    async with open_redis(mesh.redis_url) as redis:

        async def forget() -> None:
            for name in STREAMS:
                stream = f"events:{{{name}}}"
                with contextlib.suppress(redis_errors.ResponseError):  # no such group
                    pending = await redis.xpending_range(stream, FEED_GROUP, "-", "+", 1_000)
                    if pending:
                        count = await redis.xack(stream, FEED_GROUP, *(each["message_id"] for each in pending))
                        forgotten[name] += count

        async with _at_each_death(mesh, "feed-work", forget):
            yield
    print(f"  acknowledged for dead workers: {dict(forgotten)}", flush=True)


@contextlib.asynccontextmanager
async def _at_each_death(
    mesh: FaultMesh, part: str, act: Callable[[], Coroutine[None, None, None]]
) -> AsyncIterator[None]:
    """Do something each time a part has died, before it is restarted."""
    async with asyncio.TaskGroup() as group:

        def died(name: str) -> None:
            if name == part:
                group.create_task(act())

        mesh.deaths.listeners.append(died)
        yield
        mesh.deaths.listeners.remove(died)
