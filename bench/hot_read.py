"""Warm reads by one feed_svc process, compared with a bare method that returns the same bytes."""

import asyncio
import contextlib
import os
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from functools import partial
from importlib import metadata
from pathlib import Path

from bench import machine
from bench.calling import call_for, feed_of, metadata_of
from bench.environments import python_with
from bench.figures import Figure
from bench.harness import Run
from bench.hot_figures import FLOOR, NEWEST, grpc_figures, read_figures, redis_figures
from bench.reads.again import again_member
from bench.reads.member import AT_ONCE, CONNECTIONS, Member, one_round
from bench.servers import Mesh, running_mesh
from bench.timelines import bytes_an_entry, until_live
from bench.world import new_world
from devmesh.ports import address, reserved_ports
from devmesh.supervise.process import Command
from devmesh.supervise.readiness import grpc_serving
from devmesh.supervise.running import running
from meshkit.ids import first_id, new_id

AUTHORS = 100
POSTS_EACH = 10
# A sample has this many turns.
TURNS = 8
IN_REDIS = {"LENSFEED_CARD_MEMORY_MIB": "0"}


async def measure(run: Run) -> Sequence[Figure]:
    """Measure reads per second, CPU and round trips per read, and bytes per entry; and what builds of gRPC serve."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        viewers = await fill(folder, run.size(200, 20))
        async with running_mesh(folder) as mesh, feed_of(mesh.feed_address) as feed:
            run.say(f"first reads of {len(viewers)} viewers")
            pages = [await feed.first(viewer) for viewer in viewers]
            for viewer in viewers:
                await until_live(mesh.redis, viewer)
            size = len(pages[0])
            async with _bare_servers(folder, pages[0]) as bare:
                others = {"redis": await mesh.start_feed(IN_REDIS), **bare}
                with _on_own_cores(mesh, [pid for _, pid in others.values()]):
                    servers = {"memory": (mesh.feed_address, mesh.feed_pid), **others}
                    known = [metadata_of(viewer) for viewer in viewers]
                    members = {name: Member(*server, known, size) for name, server in servers.items()}
                    members["again"] = await again_member(feed, *servers["memory"], viewers[0])
                    taken = await run.rounds(partial(one_round, list(members.values()), run.size(TURNS, 2)))
            trips = await _round_trips(mesh, mesh.feed_address, viewers[0], size)
            trips_in_redis = await _round_trips(mesh, others["redis"][0], viewers[0], size)
            entry_bytes = await bytes_an_entry(mesh.redis, viewers[0])
    rates = dict(zip(members, zip(*taken, strict=True), strict=True))
    cpu_ms = {name: member.cpu_ms[1:] for name, member in members.items()}
    return [
        *read_figures(f"{size / 1000:.1f} kB, {CONNECTIONS * AT_ONCE} calls at once", rates, cpu_ms),
        *grpc_figures(rates),
        *redis_figures(trips, trips_in_redis, entry_bytes),
    ]


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
async def _bare_servers(folder: Path, answer: bytes) -> AsyncIterator[dict[str, tuple[str, int]]]:
    """Run the bare method on three builds of grpcio; yields their addresses and process ids."""
    (folder / "answer").write_bytes(answer)
    released = {name: value for name, value in os.environ.items() if not name.startswith("GRPC_")}
    pythons = {"floor": await _python_with(FLOOR), "newest": await _python_with(NEWEST)}
    async with contextlib.AsyncExitStack() as stack:

        async def start(name: str, python: str, env: Mapping[str, str]) -> tuple[str, int]:
            [port] = stack.enter_context(reserved_ports(1))
            argv = (python, "-m", "bench.bare_server", address(port), str(folder / "answer"))
            command = Command(argv, {**env, "PYTHONPATH": _ROOT}, folder, folder / "logs" / f"bare-{name}.log")
            ready = partial(grpc_serving, port)
            child = await stack.enter_async_context(running(f"the bare server {name}", command, ready))
            return address(port), child.pid

        yield {
            "floor": await start("floor", str(pythons["floor"]), released),
            # With what meshkit sets for gRPC.
            "installed": await start("installed", sys.executable, os.environ),
            "newest": await start("newest", str(pythons["newest"]), released),
        }


async def _python_with(version: str) -> Path:
    """Return a Python that has a release of grpcio, and the uvloop of this one."""
    uvloop = f"uvloop=={metadata.version('uvloop')}"
    return await python_with(f"grpcio-{version}", [f"grpcio=={version}", "grpcio-health-checking", uvloop])


_ROOT = str(Path(__file__).parent.parent)


@contextlib.contextmanager
def _on_own_cores(mesh: Mesh, measured: Iterable[int]) -> Iterator[None]:
    """Pin the measured servers to one core and everything else to the others."""
    for pid in (mesh.feed_pid, *measured):
        machine.pin(pid, machine.MEASURED)
    for pid in (mesh.valkey_pid, *mesh.peer_pids, mesh.worker_pid):
        machine.pin(pid, machine.OTHERS)
    with machine.on_cores(machine.OTHERS):
        yield


async def _round_trips(mesh: Mesh, where: str, viewer: int, answer_size: int) -> float:
    """Return the Redis round trips of a read, averaged over sequential reads, without background traffic."""
    start = await _reads_of_sockets(mesh)
    await asyncio.sleep(1)
    before = await _reads_of_sockets(mesh)
    calls = await call_for(1.0, where, [viewer], answer_size, connections=1, at_once=1)
    after = await _reads_of_sockets(mesh)
    return round((after - before - (before - start)) / len(calls), 2)


async def _reads_of_sockets(mesh: Mesh) -> int:
    return int((await mesh.redis.info("stats"))["total_reads_processed"])
