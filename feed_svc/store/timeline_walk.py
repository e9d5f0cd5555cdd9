"""A walk through all home timelines that the workers of a mesh share: each timeline is visited by one of them."""

from typing import Any

from redis.asyncio import Redis

from feed_svc.store.timelines import KEYS, viewer_of
from meshkit.redis.lease import Lease

# Keys looked at in one step of the scan, and steps until a worker gives up for now: most keys are no timelines.
SCAN_COUNT, MAX_STEPS = 1_000, 100
QUEUE, PLACE, LEASE = "drift:{walk}:queue", "drift:{walk}:place", "drift:{walk}:lease"


class TimelineWalk:
    """Takes viewers from a queue in Redis, and refills it from a scan whose place is kept there, too."""

    def __init__(self, redis: "Redis") -> None:
        self._redis = redis
        self._lease = Lease(redis, LEASE)

    async def next_viewer(self) -> int | None:
        """Return the viewer of the next timeline. None if there is none, or another worker is just looking for some."""
        viewer: Any = await self._redis.lpop(QUEUE)
        if viewer is None and await self._lease.hold():
            try:
                await self._refill()
            finally:
                await self._lease.release()
            viewer = await self._redis.lpop(QUEUE)
        return None if viewer is None else int(viewer)

    async def _refill(self) -> None:
        for _ in range(MAX_STEPS):
            stored: Any = await self._redis.get(PLACE)
            place, viewers = await self._step((stored or b"").decode())
            if viewers:
                await self._redis.rpush(QUEUE, *viewers)
            await self._redis.set(PLACE, place)
            if viewers:
                return

    async def _step(self, place: str) -> tuple[str, list[int]]:
        """Scan on from a place, `node cursor`; returns the place after it and what was found."""
        nodes: list[Any] = sorted(getattr(self._redis, "get_primaries", list)(), key=lambda node: node.name) or [None]
        names = [node.name if node else "server" for node in nodes]
        name, _, cursor = place.partition(" ")
        at = names.index(name) if name in names else 0
        of_node = {"target_nodes": nodes[at]} if nodes[at] else {}
        answer: Any = await self._redis.scan(
            int(cursor) if name in names else 0, match=KEYS, count=SCAN_COUNT, **of_node
        )
        found, keys = answer
        reached = found[names[at]] if isinstance(found, dict) else found
        if reached == 0:  # this node is done
            at = (at + 1) % len(nodes)
        return f"{names[at]} {reached}", [viewer_of(key) for key in keys]
