"""Servers that are measured in turn under the same load."""

import time
from collections.abc import Sequence

import psutil

from bench.calling import MESSAGE, call_as
from bench.figures import Sample

TURN_SECONDS = 0.5
CONNECTIONS = 4
AT_ONCE = 8


class Member:
    """One of the servers. Calls and CPU time add up until `sample`."""

    def __init__(
        self,
        where: str,
        pid: int,
        known: Sequence[Sequence[tuple[str, str]]],
        answer_size: int,
        message: bytes = MESSAGE,
    ) -> None:
        self._where = where
        self._process = psutil.Process(pid)
        self._known = known
        self._answer_size = answer_size
        self._message = message
        self._calls = 0
        self._seconds = self._cpu_seconds = 0.0
        self.cpu_ms: list[float] = []

    async def work(self) -> None:
        """Call the server for a while with each of the known metadata in turn."""
        before, start = self._process.cpu_times(), time.perf_counter()
        calls = await call_as(
            TURN_SECONDS,
            self._where,
            self._known,
            self._answer_size,
            connections=CONNECTIONS,
            at_once=AT_ONCE,
            message=self._message,
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


async def one_round(members: Sequence[Member], turns: int) -> Sample:
    """Measure all members in short turns, so that disturbances affect all of them."""
    for _ in range(turns):
        for member in members:
            await member.work()
    return tuple(member.sample() for member in members)
