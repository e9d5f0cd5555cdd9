"""Health checks: a process is SERVING while all its dependencies respond."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping

import structlog
from grpc_health.v1 import health_pb2
from grpc_health.v1._async import HealthServicer

from meshkit.tasks.periodic import every

# Returns if a dependency responds, and raises if it does not.
Check = Callable[[], Awaitable[None]]
INTERVAL_SECONDS = 1.0
TIMEOUT_SECONDS = 2.0
_log = structlog.get_logger()


class Health:
    """Keeps grpc.health.v1 up to date. The empty service name stands for the whole process."""

    def __init__(self, dependencies: Mapping[str, Check]) -> None:
        self._dependencies = dependencies
        self._failing: dict[str, str] = {}
        self.servicer = HealthServicer()

    async def watch(self, stopping: asyncio.Event) -> None:
        """Check all dependencies regularly until the process stops."""
        async for _ in every(INTERVAL_SECONDS, stopping):
            await self.check()

    async def drain(self) -> None:
        """Set NOT_SERVING for good, because the process drains."""
        await self.servicer.enter_graceful_shutdown()

    async def check(self) -> None:
        """Check all dependencies once. Call this before the server starts, as the servicer's default is SERVING."""
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
        except Exception as error:  # noqa: BLE001 - any exception of a check means that the part is down
            return repr(error)
        return None
