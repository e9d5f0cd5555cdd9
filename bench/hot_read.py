"""Warm reads by one feed_svc process, compared with a bare method that returns the same bytes."""

import asyncio
import contextlib
import os
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from functools import partial
from pathlib import Path

import psutil

from bench import machine
from bench.calling import call_for, feed_of
from bench.figures import Figure, Goal, Sample
from bench.harness import Run
from bench.servers import Mesh, running_mesh
from bench.timelines import bytes_an_entry
from bench.world import new_world
from devmesh.ports import address, reserved_ports
from devmesh.supervise.process import Command
from devmesh.supervise.readiness import grpc_serving
from devmesh.supervise.running import running
from meshkit.ids import first_id, new_id

AUTHORS = 100
POSTS_EACH = 10
# A sample has this many turns of this many seconds.
TURNS = 8
TURN_SECONDS = 0.5
CONNECTIONS = 4
AT_ONCE = 8


async def measure(run: Run) -> Sequence[Figure]:
    """Measure reads per second, CPU and round trips per read, and bytes per entry."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        viewers = await fill(folder, run.size(200, 20))
        async with running_mesh(folder) as mesh, feed_of(mesh.feed_address) as feed:
            run.say(f"first reads of {len(viewers)} viewers")
            pages = [await feed.first(viewer) for viewer in viewers]
            async with _bare_server(folder, pages[0]) as (bare_address, bare_pid):
                with _on_own_cores(mesh, bare_pid):
                    ours = _Member(mesh.feed_address, mesh.feed_pid, viewers, len(pages[0]))
                    bare = _Member(bare_address, bare_pid, viewers, len(pages[0]))
                    pairs = await run.rounds(partial(_one_round, ours, bare, run.size(TURNS, 2)))
            trips = await _round_trips(mesh, viewers[0], len(pages[0]))
            entry_bytes = await bytes_an_entry(mesh.redis, viewers[0])
    size = f"{len(pages[0]) / 1000:.1f} kB"
    return [
        Figure(
            "hot_read",
            f"Warm GetFeed of 20 complete items ({size}), {CONNECTIONS * AT_ONCE} calls at once, on one core, "
            "against a bare grpc.aio + uvloop method with the same answer",
            "calls/s",
            pairs,
            "feed_svc",
            "bare method",
            Goal("at least", 0.70),
        ),
        Figure(
            "hot_read_cpu",
            "CPU time of the serving process for a call, the same runs",
            "ms",
            list(zip(ours.cpu_ms[1:], bare.cpu_ms[1:], strict=True)),
            "feed_svc",
            "bare method",
        ),
        Figure("round_trips", "Redis round trips of a warm read", "round trips", [(trips,)], goal=Goal("at most", 2)),
        Figure(
            "entry_bytes",
            "A timeline's entry in Redis (MEMORY USAGE)",
            "bytes",
            [(entry_bytes,)],
            goal=Goal("at most", 21),
        ),
    ]


class _Member:
    """One of two servers under the same load. Calls and CPU time add up until `sample`."""

    def __init__(self, where: str, pid: int, viewers: Sequence[int], answer_size: int) -> None:
        self._where = where
        self._process = psutil.Process(pid)
        self._viewers = viewers
        self._answer_size = answer_size
        self._calls = 0
        self._seconds = self._cpu_seconds = 0.0
        self.cpu_ms: list[float] = []

    async def work(self) -> None:
        """Call the server for a while."""
        before, start = self._process.cpu_times(), time.perf_counter()
        calls = await call_for(
            TURN_SECONDS, self._where, self._viewers, self._answer_size, connections=CONNECTIONS, at_once=AT_ONCE
        )
        self._seconds += time.perf_counter() - start
        after = self._process.cpu_times()
        self._cpu_seconds += after.user + after.system - before.user - before.system
        self._calls += len(calls)

    def sample(self) -> float:
        """Return the calls per second since the last sample and append the CPU time per call to `cpu_ms`."""
        rate = self._calls / self._seconds
        self.cpu_ms.append(self._cpu_seconds / self._calls * 1000)
        self._calls, self._seconds, self._cpu_seconds = 0, 0.0, 0.0
        return rate


async def _one_round(ours: _Member, bare: _Member, turns: int) -> Sample:
    """Measure both in short turns, so that disturbances affect both."""
    for _ in range(turns):
        await ours.work()
        await bare.work()
    return ours.sample(), bare.sample()


async def fill(folder: Path, count: int) -> list[int]:
    """Create this many viewers whose pages have posts of twenty authors. Returns the viewers."""
    authors = [new_id() for _ in range(AUTHORS)]
    viewers = [new_id() for _ in range(count)]
    now = time.time_ns() // 1_000_000
    async with new_world(folder) as world:
        await world.add_people(authors)
        for number, author in enumerate(authors):
            # One post each minute by the authors in turn, so that a page has twenty authors.
            times = (now - (turn * AUTHORS + number + 1) * 60_000 for turn in range(POSTS_EACH))
            await world.add_posts(author, (first_id(each) | 1 for each in times))
        await world.add_follows(viewers, authors)
    return viewers


@contextlib.asynccontextmanager
async def _bare_server(folder: Path, answer: bytes) -> AsyncIterator[tuple[str, int]]:
    (folder / "answer").write_bytes(answer)
    with reserved_ports(1) as [port]:
        argv = (sys.executable, "-m", "bench.bare_server", address(port), str(folder / "answer"))
        command = Command(argv, {**os.environ, "PYTHONPATH": _ROOT}, folder, folder / "logs" / "bare.log")
        async with running("the bare server", command, partial(grpc_serving, port)) as child:
            yield address(port), child.pid


_ROOT = str(Path(__file__).parent.parent)


@contextlib.contextmanager
def _on_own_cores(mesh: Mesh, bare_pid: int) -> Iterator[None]:
    """Pin the measured servers to one core and everything else to the others."""
    for pid in (mesh.feed_pid, bare_pid):
        machine.pin(pid, machine.MEASURED)
    for pid in (mesh.valkey_pid, *mesh.peer_pids, mesh.worker_pid):
        machine.pin(pid, machine.OTHERS)
    with machine.on_cores(machine.OTHERS):
        yield


async def _round_trips(mesh: Mesh, viewer: int, answer_size: int) -> float:
    """Return the Redis round trips of a read, averaged over sequential reads, without background traffic."""
    start = await _reads_of_sockets(mesh)
    await asyncio.sleep(1)
    before = await _reads_of_sockets(mesh)
    calls = await call_for(1.0, mesh.feed_address, [viewer], answer_size, connections=1, at_once=1)
    after = await _reads_of_sockets(mesh)
    return round((after - before - (before - start)) / len(calls), 2)


async def _reads_of_sockets(mesh: Mesh) -> int:
    return int((await mesh.redis.info("stats"))["total_reads_processed"])
