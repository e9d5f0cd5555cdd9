"""The masters of a Redis Cluster: the known map of slots, and a line to each master."""

import asyncio
import contextlib
from collections.abc import Sequence

import hiredis
from redis.exceptions import RedisError, ResponseError

from meshkit.redis.line import Line
from meshkit.redis.link import NotSentError
from meshkit.redis.slots import Address, SlotMap
from meshkit.redis.url import Endpoint

# The map is not read more often than this, however many calls find it wrong.
REFRESH_SECONDS = 0.2
# How long to wait for one server's map before asking another.
MAP_SECONDS = 0.3


class ClusterServers:
    """Opens lines when needed, and reloads the map of slots when it turns out to be wrong."""

    def __init__(self, seeds: Sequence[Endpoint], timeout: float) -> None:
        self._seeds = [(seed.host, seed.port) for seed in seeds]
        self._greeting = seeds[0]
        self._timeout = timeout
        self._lines: dict[Address, Line] = {}
        self._map = SlotMap()
        self._refreshing = asyncio.Lock()
        self._looked_at = -REFRESH_SECONDS
        self._is_known = False
        self._is_lost = False
        self._refresher: asyncio.Task[None] | None = None

    def at(self, address: Address) -> Line:
        """Return the line to an address."""
        line = self._lines.get(address)
        if line is None:
            line = self._lines[address] = Line(self._greeting.at(*address), self._timeout)
        return line

    def of_slot(self, slot: int) -> Line | None:
        """Return the line to the master of a slot, or None."""
        address = self._map[slot]
        return self.at(address) if address else None

    def any(self, failed: Line | None) -> Line | None:
        """Return any line: preferably an open one, and not the one that just failed."""
        lines = [self.at(address) for address in self._map.addresses]
        usable = [line for line in lines if line is not failed and not line.is_resting]
        return next((line for line in usable if line.is_open), None) or next(iter(usable or lines), None)

    def move(self, slot: int, address: Address) -> None:
        """Record where a slot has moved, and reload the map, because others have probably moved as well."""
        self._map.move(slot, address)
        self.refresh_soon()

    async def learn(self) -> None:
        """Load the map unless that was done before. Raises ConnectionError if no server returns it."""
        if not self._is_known:
            await self.refresh()

    def refresh_soon(self) -> None:
        """Start reloading the map."""
        if self._refresher is None or self._refresher.done():
            self._refresher = asyncio.create_task(self._refresh_quietly())

    async def refresh(self) -> None:
        """Load the map unless that was just done. Raises ConnectionError if no server returns it."""
        if self._is_lost and (self._refreshing.locked() or self._has_just_looked()):
            raise NotSentError("the cluster could not be reached a moment ago")
        async with self._refreshing:
            if self._has_just_looked():
                if self._is_lost:
                    raise NotSentError("the cluster cannot be reached")  # the task we waited for has just tried
                return
            try:
                self._map = await self._read_map()
            except RedisError:
                self._note(is_lost=True)
                raise
            self._note(is_lost=False)
            self._is_known = True
            self._forget_lines()

    def close(self) -> None:
        """Close all lines."""
        if self._refresher is not None:
            self._refresher.cancel()
        for line in self._lines.values():
            line.close()

    async def _refresh_quietly(self) -> None:
        with contextlib.suppress(RedisError):  # the next failing call tries again
            await self.refresh()

    def _note(self, *, is_lost: bool) -> None:
        self._is_lost = is_lost
        self._looked_at = asyncio.get_running_loop().time()

    def _has_just_looked(self) -> bool:
        return asyncio.get_running_loop().time() < self._looked_at + REFRESH_SECONDS

    async def _read_map(self) -> SlotMap:
        why: RedisError | None = None
        known = sorted({*self._map.addresses, *self._seeds}, key=lambda address: not self.at(address).is_open)
        for address in known:
            try:
                async with asyncio.timeout(min(MAP_SECONDS, self._timeout)):
                    (answer,) = await self.at(address).ask([("CLUSTER", "SLOTS")])
            except (RedisError, TimeoutError) as error:
                why = error if isinstance(error, RedisError) else why
                continue
            if isinstance(answer, hiredis.ReplyError):
                raise ResponseError(f"this Redis is not a cluster ({answer}): should its URL begin with redis://?")
            return SlotMap.read(answer, address)
        raise NotSentError(f"the cluster cannot be reached: {why}")

    def _forget_lines(self) -> None:
        """Drop the lines to servers that are gone, except open ones, which may still owe answers."""
        wanted = {*self._map.addresses, *self._seeds}
        self._lines = {address: line for address, line in self._lines.items() if address in wanted or line.is_open}
