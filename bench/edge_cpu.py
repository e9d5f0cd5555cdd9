"""The CPU time of Envoy for a warm read by protocol, compared with feed_svc's own."""

import asyncio
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import httpx
import psutil

from bench import machine
from bench.calling import GET_FEED, MESSAGE, PAGE, call_as, feed_of, metadata_of
from bench.edge import running_edge
from bench.figures import Figure, Sample
from bench.harness import Run
from bench.hot_read import fill
from bench.http2 import PREFIX_SIZE, AnswerError
from bench.servers import running_mesh
from user_svc.sessions.access_tokens import TokenSigner
from user_svc.sessions.key_ring import KeyRing

# A sample has this many turns of this many seconds.
TURNS = 4
TURN_SECONDS = 0.5
AT_ONCE = 8
TOKEN_LIFE = timedelta(hours=6)


async def measure(run: Run) -> Sequence[Figure]:
    """Measure CPU milliseconds per read."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        viewers = await fill(folder, 1)
        async with running_mesh(folder) as mesh, feed_of(mesh.feed_address) as feed:
            page = await feed.first(viewers[0])
            async with running_edge(folder, mesh.feed_address) as edge, _client(edge.address) as http:
                token = _token(folder, viewers[0])
                calls = _Calls(http, token, len(page))
                direct = _Member(mesh.feed_pid, lambda: calls.grpc(mesh.feed_address, metadata_of(viewers[0])))
                authorization = [("authorization", f"Bearer {token}")]
                by_edge = {
                    "gRPC": _Member(edge.envoy_pid, lambda: calls.grpc(edge.address, authorization)),
                    "gRPC-Web": _Member(edge.envoy_pid, calls.grpc_web),
                    "REST": _Member(edge.envoy_pid, calls.rest),
                    "REST, compressed": _Member(edge.envoy_pid, calls.rest_compressed),
                }
                for pid in (mesh.feed_pid, edge.envoy_pid):
                    machine.pin(pid, machine.MEASURED)
                with machine.on_cores(machine.OTHERS):
                    samples = await _rounds(run, [direct, *by_edge.values()])
    return [
        Figure(
            f"edge_cpu_{name.lower().replace(', ', '_').replace('-', '_')}",
            f"CPU time of the edge for a warm GetFeed of {PAGE} items ({len(page) / 1000:.1f} kB as protobuf) by {name}, "
            "against feed_svc's own for one that is called directly",
            "ms",
            [(sample[place], sample[0]) for sample in samples],
            "edge",
            "feed_svc",
        )
        for place, name in enumerate(by_edge, 1)
    ]


@dataclass
class _Member:
    """A process whose CPU time is measured while pages are read."""

    pid: int
    read: Callable[[], Awaitable[int]]
    reads: int = 0
    cpu_seconds: float = 0.0

    async def work(self) -> None:
        """Read pages for a while."""
        process = psutil.Process(self.pid)
        before = process.cpu_times()
        self.reads += await self.read()
        after = process.cpu_times()
        self.cpu_seconds += after.user + after.system - before.user - before.system

    def sample(self) -> float:
        """Return the CPU milliseconds per read since the last sample."""
        each = self.cpu_seconds / self.reads * 1000
        self.reads, self.cpu_seconds = 0, 0.0
        return each


async def _rounds(run: Run, members: Sequence[_Member]) -> list[Sample]:
    async def one_round() -> Sample:
        for _ in range(run.size(TURNS, 1)):
            for member in members:
                await member.work()
        return tuple(member.sample() for member in members)

    return await run.rounds(one_round)


@dataclass
class _Calls:
    """Reads pages by each protocol. Methods return the number of reads. Raises AnswerError for a wrong page."""

    http: httpx.AsyncClient
    token: str
    page_size: int
    sizes: dict[str, int] = field(default_factory=dict)

    async def grpc(self, where: str, metadata: Sequence[tuple[str, str]]) -> int:
        """Read by gRPC, through the edge or directly."""
        seconds = await call_as(TURN_SECONDS, where, [metadata], self.page_size, connections=1, at_once=AT_ONCE)
        return len(seconds)

    async def grpc_web(self) -> int:
        """Read by gRPC-Web, as browsers do."""
        body = b"\x00" + len(MESSAGE).to_bytes(4, "big") + MESSAGE
        headers = {"content-type": "application/grpc-web+proto", "x-grpc-web": "1"}

        async def one() -> None:
            answer = await self.http.post(GET_FEED, content=body, headers=self._own(headers))
            if int.from_bytes(answer.content[1:PREFIX_SIZE]) != self.page_size:
                raise AnswerError(f"{answer.status_code}: {answer.content[:200]!r}")

        return await _for_a_while(one)

    async def rest(self) -> int:
        """Read by REST without compression."""
        return await self._rest("identity")

    async def rest_compressed(self) -> int:
        """Read by REST with gzip."""
        return await self._rest("gzip")

    async def _rest(self, encoding: str) -> int:
        headers = self._own({"accept-encoding": encoding})

        async def one() -> None:
            answer = await self.http.get(f"/feed?limit={PAGE}", headers=headers)
            size = len(answer.content)
            if answer.status_code != httpx.codes.OK or self.sizes.setdefault("rest", size) != size:
                raise AnswerError(f"{answer.status_code}: {answer.text[:200]}")
            if answer.headers.get("content-encoding", "identity") != encoding:
                raise AnswerError(f"the page is not in {encoding}")

        return await _for_a_while(one)

    def _own(self, headers: dict[str, str]) -> dict[str, str]:
        return {**headers, "authorization": f"Bearer {self.token}"}


async def _for_a_while(one: Callable[[], Awaitable[None]]) -> int:
    """Repeat a call for a while in AT_ONCE tasks. Returns the number of calls."""
    end, count = time.perf_counter() + TURN_SECONDS, 0

    async def again() -> None:
        nonlocal count
        while time.perf_counter() < end:
            await one()
            count += 1

    async with asyncio.TaskGroup() as tasks:
        for _ in range(AT_ONCE):
            tasks.create_task(again())
    return count


def _client(where: str) -> httpx.AsyncClient:
    return httpx.AsyncClient(base_url=f"http://{where}", timeout=30)


def _token(folder: Path, viewer: int) -> str:
    signer = TokenSigner(KeyRing(folder / "keys" / "token-key.pem", settle_seconds=0), TOKEN_LIFE)
    return signer.sign(viewer, "k5f3q2m7", int(time.time())).text
