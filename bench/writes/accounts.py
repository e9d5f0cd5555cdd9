"""Sign-ups and log-ins by one user_svc process, compared with Argon2id alone."""

import asyncio
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from itertools import count
from pathlib import Path
from typing import Any

import grpc
import psutil
from lensfeed.user.v1 import user_service_pb2 as user_pb2
from lensfeed.user.v1.user_service_pb2_grpc import UserServiceStub

from bench import machine
from bench.environments import Answering, answering
from bench.figures import Figure, Goal, Sample
from bench.harness import Run
from bench.servers import running_mesh
from bench.world import new_world

PASSWORD = "correct horse battery staple"  # noqa: S105 - of people who do not exist
AT_ONCE = 8
GOAL = Goal("at least", 0.9)
KINDS = {"sign_up": "Sign-ups", "log_in": "Log-ins"}


async def measure(run: Run) -> Sequence[Figure]:
    """Measure the rate and the CPU time of sign-ups and log-ins."""
    calls = run.size(40, 8)
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        async with new_world(folder):
            pass  # the stores are created, and are empty
        async with (
            running_mesh(folder) as mesh,
            grpc.aio.insecure_channel(mesh.user_address) as channel,
            answering(sys.executable, "-m", "bench.writes.bare_argon2", str(calls)) as bare,
        ):
            await bare.read()
            for pid in (mesh.user_pid, bare.pid):
                machine.pin(pid, machine.MEASURED)
            machine.pin(mesh.valkey_pid, machine.OTHERS)
            people = _People(channel, psutil.Process(mesh.user_pid), calls)

            async def one_round() -> Sample:
                return (*await people.sign_up(), *await people.log_in(), *await _bare(bare, calls))

            with machine.on_cores(machine.OTHERS):
                rounds = await run.rounds(one_round)
    return [figure for number, kind in enumerate(KINDS) for figure in _figures(kind, number * 2, rounds)]


def _figures(kind: str, place: int, rounds: Sequence[Sample]) -> Iterator[Figure]:
    what = f"{KINDS[kind]} by one process of user_svc on one core, against Argon2id alone with the same parameters"
    rates = [(each[place], each[-2]) for each in rounds]
    yield Figure(f"{kind}_rate", what, "calls/s", rates, "user_svc", "Argon2id")
    cpu = [(each[-1], each[place + 1]) for each in rounds]
    what = f"CPU time of Argon2id alone, against that of user_svc for {KINDS[kind].lower().removesuffix('s')}s"
    yield Figure(f"{kind}_cpu", what, "ms", cpu, "Argon2id", "user_svc", GOAL)


async def _bare(bare: Answering, hashes: int) -> Sample:
    wall, cpu = map(float, (await bare.ask()).split())
    return hashes / wall, cpu / hashes * 1000


class _People:
    """People who sign up, and then log in."""

    def __init__(self, channel: grpc.aio.Channel, process: psutil.Process, calls: int) -> None:
        self._stub: Any = UserServiceStub(channel)
        self._process = process
        self._calls = calls
        self._numbers = count()
        self._handles: list[str] = []

    async def sign_up(self) -> Sample:
        """Sign new people up. Returns calls per second, and the CPU time of a call in ms."""
        self._handles = [f"person.{next(self._numbers):06d}" for _ in range(self._calls)]
        return await self._measure(self._create_user)

    async def log_in(self) -> Sample:
        """Log those in who signed up last. Returns the same."""
        return await self._measure(self._create_session)

    async def _measure(self, call: Callable[[str], Awaitable[None]]) -> Sample:
        left = iter(self._handles)

        async def caller() -> None:
            for handle in left:
                await call(handle)

        before, start = sum(self._process.cpu_times()[:2]), time.perf_counter()
        await asyncio.gather(*(caller() for _ in range(AT_ONCE)))
        seconds, used = time.perf_counter() - start, sum(self._process.cpu_times()[:2]) - before
        return self._calls / seconds, used / self._calls * 1000

    async def _create_user(self, handle: str) -> None:
        request = user_pb2.CreateUserRequest(handle=handle, display_name="A person", password=PASSWORD)
        await self._stub.CreateUser(
            request, metadata=[("x-request-id", handle), ("idempotency-key", f"key-of-{handle}")]
        )

    async def _create_session(self, handle: str) -> None:
        request = user_pb2.CreateSessionRequest(handle=handle, password=PASSWORD)
        await self._stub.CreateSession(request, metadata=[("x-request-id", handle)])
