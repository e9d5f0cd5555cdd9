"""A steady load of posts, deletes, follows, unfollows, uploads and reads, noted in the ledger."""

import asyncio
import contextlib
import itertools
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any

from faults.load.changes import Changes
from faults.load.probes import Probes
from faults.world.ledger import Known
from faults.world.world import World


@dataclass
class Reads:
    """What became of reads of the feed."""

    ok: int = 0
    failed: int = 0
    reasons: list[str] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    """How long each took, failed or not."""

    @property
    def failed_percent(self) -> float:
        """The share of reads that failed."""
        return 100 * self.failed / max(1, self.ok + self.failed)


@dataclass
class Load:
    """A load that has run, or runs."""

    probes: Probes
    changes: Changes
    reads: Reads = field(default_factory=Reads)


@contextlib.asynccontextmanager
async def load(world: World, patience: float = 120.0, *, writes: bool = True) -> AsyncIterator[Load]:
    """Run the load while the block runs. At its end, wait for calls in flight, and `patience` seconds for each probe."""
    probes = Probes(patience)
    current = Load(probes, Changes(world, probes))
    stopping = asyncio.Event()
    works = [(world.size.reads_a_second, lambda: _read(world, current.reads))]
    if writes:
        works.append((world.size.writes_a_second, current.changes.one))
    running = [asyncio.create_task(_at_rate(rate, work, stopping)) for rate, work in works]
    try:
        yield current
    finally:
        stopping.set()
        await asyncio.gather(*running)
    await current.probes.done()


async def _read(world: World, reads: Reads) -> None:
    reader, start = world.chance.choice(world.people), time.monotonic()
    found = await reader.call("GET", "/feed")
    reads.seconds.append(time.monotonic() - start)
    if found.known is Known.OK:
        reads.ok += 1
    else:
        reads.failed += 1
        reads.reasons.append(found.reason)


async def _at_rate(rate: float, work: Callable[[], Coroutine[Any, Any, None]], stopping: asyncio.Event) -> None:
    """Begin some work at a fixed rate, however long each takes."""
    start = time.monotonic()
    async with asyncio.TaskGroup() as group:
        for number in itertools.count(1):
            group.create_task(work())
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(max(0.0, start + number / rate - time.monotonic())):
                    await stopping.wait()
            if stopping.is_set():
                return
