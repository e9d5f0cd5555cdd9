"""Throughput of `meshkit.cassandra` compared with the bare driver, on one real node.

The bare driver runs at its best: prepared statements and a fixed number of requests in flight, each sent by the callback
of the previous one.
"""

import asyncio
import tempfile
import threading
import time
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

from cassandra import ConsistencyLevel

from bench.figures import Figure, Sample
from bench.harness import Run
from devmesh.parts.cassandra.cluster import running_cassandra
from meshkit.cassandra import Cassandra, open_cassandra, read, write
from meshkit.cassandra.cluster import make_cluster
from meshkit.cassandra_settings import CassandraSettings
from meshkit.errors import LensfeedError

IN_FLIGHT = 64
REQUESTS = 4_000
ROWS = 20
PAYLOAD = b"x" * 300
TABLE = "CREATE TABLE IF NOT EXISTS rows (part bigint, place bigint, payload blob, PRIMARY KEY (part, place));"
INSERT = write("INSERT INTO rows (part, place, payload) VALUES (?, ?, ?)")
SELECT = read("SELECT place, payload FROM rows WHERE part = ? LIMIT 20")
Parameters = Callable[[int], tuple[Any, ...]]


def written(number: int) -> tuple[Any, ...]:
    """Return the parameters of a write. Each partition gets one page of rows."""
    return number // ROWS, number % ROWS, PAYLOAD


def page(number: int) -> tuple[Any, ...]:
    """Return the parameters of a read of a written page."""
    return (number % (REQUESTS // ROWS),)


def bare(session: Any, prepared: Any, parameters: Parameters) -> float:
    """Send all requests from callbacks. Returns requests per second."""
    done = threading.Event()
    lock = threading.Lock()
    numbers = iter(range(REQUESTS))
    left = REQUESTS

    def finished(_rows: Any) -> None:
        nonlocal left
        with lock:
            left -= 1
        if left == 0:
            done.set()
        send()

    def send() -> None:
        with lock:
            number = next(numbers, None)
        if number is not None:
            session.execute_async(prepared, parameters(number)).add_callbacks(finished, finished)

    start = time.perf_counter()
    for _ in range(IN_FLIGHT):
        send()
    done.wait()
    return REQUESTS / (time.perf_counter() - start)


async def bridged(send: Callable[[int], Awaitable[Any]]) -> float:
    """Send all requests from tasks. Returns requests per second."""
    numbers = iter(range(REQUESTS))

    async def work() -> None:
        for number in numbers:
            await send(number)

    start = time.perf_counter()
    await asyncio.gather(*(work() for _ in range(IN_FLIGHT)))
    return REQUESTS / (time.perf_counter() - start)


async def connected(cassandra: Cassandra) -> None:
    """Wait until the connection works."""
    while True:
        try:
            return await cassandra.check()
        except LensfeedError:
            await asyncio.sleep(0.1)


async def in_pairs(run: Run, cassandra: Cassandra, settings: CassandraSettings) -> dict[str, list[Sample]]:
    """Measure pairs of (bridge, bare driver)."""
    cluster = make_cluster(settings)
    session = await asyncio.to_thread(cluster.connect, "lensfeed_bench")
    figures: dict[str, list[Sample]] = {}
    for name, statement, parameters in (("writes", INSERT, written), ("reads", SELECT, page)):
        prepared = await asyncio.to_thread(session.prepare, statement.cql)
        # The same work: on a single node both consistency levels of the bridge ask one replica.
        prepared.consistency_level = ConsistencyLevel.LOCAL_ONE
        figures[name] = await run.in_turn(
            lambda s=statement, p=parameters: bridged(lambda number: cassandra.execute(s, *p(number))),  # type: ignore[misc]  # bound early
            lambda p=parameters, s=prepared: asyncio.to_thread(bare, session, s, p),  # type: ignore[misc]  # bound early
        )
    await asyncio.to_thread(cluster.shutdown)
    return figures


async def measure(run: Run) -> Sequence[Figure]:
    """Start a node and measure."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "migrations").mkdir()
        (Path(folder) / "migrations" / "0001-rows.cql").write_text(TABLE)
        run.say("starting a node")
        async with running_cassandra(Path(folder) / "node", survives_kill=False) as node:
            settings = CassandraSettings(cassandra_contact_points=node.contact_points)
            async with open_cassandra(settings, "bench", Path(folder) / "migrations") as cassandra:
                await connected(cassandra)
                figures = await in_pairs(run, cassandra, settings)
    what = {
        "writes": f"Writes of one row by the bridge to Cassandra, {IN_FLIGHT} at once, against the bare driver",
        "reads": f"Reads of a page of {ROWS} rows by the bridge to Cassandra, {IN_FLIGHT} at once, against the bare driver",
    }
    return [
        Figure(f"cassandra_{name}", what[name], "statements/s", samples, "bridge", "bare driver")
        for name, samples in figures.items()
    ]
