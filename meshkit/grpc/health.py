"""Health that asks: a process is SERVING while every part that it cannot work without answers."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping

import structlog
from grpc_health.v1 import health_pb2
from grpc_health.v1._async import HealthServicer

# A dependency's check returns when the part answers and raises when it does not.
Check = Callable[[], Awaitable[None]]
INTERVAL_SECONDS = 1.0
TIMEOUT_SECONDS = 2.0
_log = structlog.get_logger()


class Health:
    """Keeps grpc.health.v1 true. The empty service name stands for the whole process."""

    def __init__(self, dependencies: Mapping[str, Check]) -> None:
        self._dependencies = dependencies
        self._failing: dict[str, str] = {}
        self.servicer = HealthServicer()

    async def watch(self, stopping: asyncio.Event) -> None:
        """Ask every dependency again and again until the process stops."""
        while not stopping.is_set():
            await self.ask()
            try:
                await asyncio.wait_for(stopping.wait(), INTERVAL_SECONDS)
            except TimeoutError:
                continue

    async def leave(self) -> None:
        """Say NOT_SERVING, for good: the process drains."""
        await self.servicer.enter_graceful_shutdown()

    async def ask(self) -> None:
        """Ask every dependency once. Do so before the server starts: until then the servicer says SERVING unasked."""
        outcomes = await asyncio.gather(*(self._failure(check) for check in self._dependencies.values()))
        failing = {name: why for name, why in zip(self._dependencies, outcomes, strict=True) if why is not None}
        if failing.keys() != self._failing.keys():
            _log.log(30 if failing else 20, "health_changed", failing=failing)
        self._failing = failing
        serving = health_pb2.HealthCheckResponse.NOT_SERVING if failing else health_pb2.HealthCheckResponse.SERVING
        await self.servicer.set("", serving)

    @staticmethod
    async def _failure(check: Check) -> str | None:
        try:
            async with asyncio.timeout(TIMEOUT_SECONDS):
                await check()
        except Exception as error:  # noqa: BLE001 - whatever a check raises means that the part is down
            return repr(error)
        return None
