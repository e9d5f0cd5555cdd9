"""A multiplexed connection that records how long its commands take."""

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from meshkit.redis.link import Argument, Command
from meshkit.telemetry.catalog import STATEMENT_DURATION
from meshkit.telemetry.statement_attributes import attributes_of

if TYPE_CHECKING:
    from meshkit.redis.mux import RedisMux
_duration = STATEMENT_DURATION.buckets()


class MeasuredMux:
    """Another connection, measured. A round trip counts under the name of its first command."""

    def __init__(self, mux: "RedisMux") -> None:
        self._mux = mux

    @property
    def is_cluster(self) -> bool:
        """What the connection says."""
        return self._mux.is_cluster

    async def execute(self, *command: Argument) -> Any:
        """Run one command."""
        start = time.perf_counter()
        try:
            return await self._mux.execute(*command)
        finally:
            _record(start, command[0])

    async def execute_many(self, commands: Sequence[Command]) -> list[Any]:
        """Run commands."""
        start = time.perf_counter()
        try:
            return await self._mux.execute_many(commands)
        finally:
            if commands:
                _record(start, commands[0][0])

    async def get_many(self, keys: Sequence[bytes]) -> list[bytes | None]:
        """Read strings."""
        start = time.perf_counter()
        try:
            return await self._mux.get_many(keys)
        finally:
            if keys:
                _record(start, "MGET")

    async def close(self) -> None:
        """Close the connection."""
        await self._mux.close()


def _record(start: float, name: Argument) -> None:
    _duration.record(time.perf_counter() - start, attributes_of("redis", "", str(name)))
