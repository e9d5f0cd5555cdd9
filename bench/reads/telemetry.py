"""What telemetry costs a warm read."""

import contextlib
import tempfile
from collections.abc import AsyncIterator, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import grpc

from bench import machine
from bench.calling import feed_of, metadata_of
from bench.figures import Figure, Goal
from bench.harness import Run
from bench.hot_read import fill
from bench.reads.member import Member, one_round
from bench.servers import running_mesh
from bench.timelines import until_live

# One call in this many is sampled, as the edge does by default.
SAMPLED = 100
TURNS = 4
if TYPE_CHECKING:
    _GenericRpcHandler = grpc.GenericRpcHandler[Any, Any]
else:  # generic in its stubs only
    _GenericRpcHandler = grpc.GenericRpcHandler


async def measure(run: Run) -> Sequence[Figure]:
    """Measure CPU per read of a feed_svc that exports metrics and spans, and of one that exports nothing."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        viewers = await fill(folder, 20)
        async with running_mesh(folder) as mesh, feed_of(mesh.feed_address) as feed, _collector() as collector:
            pages = [await feed.first(viewer) for viewer in viewers]
            for viewer in viewers:
                await until_live(mesh.redis, viewer)
            known = [[*metadata_of(viewers[n % len(viewers)]), _trace(n)] for n in range(SAMPLED)]
            on = await mesh.start_feed({"OTEL_EXPORTER_OTLP_ENDPOINT": f"http://{collector}"})
            off = (mesh.feed_address, mesh.feed_pid)
            for pid in (on[1], off[1]):
                machine.pin(pid, machine.MEASURED)
            for pid in (mesh.valkey_pid, *mesh.peer_pids, mesh.worker_pid):
                machine.pin(pid, machine.OTHERS)
            with machine.on_cores(machine.OTHERS):
                members = [Member(*server, known, len(pages[0])) for server in (off, on)]
                await run.rounds(partial(one_round, members, run.size(TURNS, 1)))
    # Of the process without telemetry to the one with it, so that 1 would be for nothing.
    samples = list(zip(*(member.cpu_ms[1:] for member in members), strict=True))
    what = (
        "CPU time of a warm GetFeed without telemetry, against one with metrics and with one trace in a hundred calls"
    )
    return [Figure("telemetry", what, "ms", samples, "without", "with telemetry", Goal("at least", 0.95))]


def _trace(number: int) -> tuple[str, str]:
    flags = "01" if number == 0 else "00"
    return "traceparent", f"00-0af7651916cd43dd8448eb211c{number:06x}-b7ad6b71{number:08x}-{flags}"


@contextlib.asynccontextmanager
async def _collector() -> AsyncIterator[str]:
    """Accept whatever is exported by OTLP. Yields the address."""
    server = grpc.aio.server()
    server.add_generic_rpc_handlers((_TakesAll(),))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    try:
        yield f"127.0.0.1:{port}"
    finally:
        await server.stop(None)


class _TakesAll(_GenericRpcHandler):
    def service(self, handler_call_details: grpc.HandlerCallDetails) -> Any:  # noqa: ARG002 - all are the same
        return grpc.unary_unary_rpc_method_handler(_take)


async def _take(_request: bytes, _context: Any) -> bytes:
    return b""
