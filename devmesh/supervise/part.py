"""A part of a mesh, as described to the supervisor."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from devmesh.supervise.process import Command
from devmesh.supervise.readiness import Check
from devmesh.supervise.running import START_SECONDS

DRAIN_SECONDS = 15.0
"""How long a part may take to exit. A service gives calls in flight 10 s of it."""


async def nothing() -> None:
    """Do nothing."""


def _nothing() -> None:
    """Do nothing."""


@dataclass(frozen=True)
class Part:
    """A process of a mesh and how to supervise it."""

    name: str
    command: Command
    check: Check
    """True once the part answers."""
    address: str
    """The address to show."""
    metrics: str = ""
    """The URL of its metrics; empty if it serves none."""
    set_up: Callable[[], Awaitable[None]] = nothing
    """Runs after every start, before the part counts as ready. Must be repeatable."""
    clean_up: Callable[[], None] = _nothing
    """Runs after the part has exited."""
    patience: float = START_SECONDS
    """Seconds until it must answer after a start."""
    grace: float = DRAIN_SECONDS
    """Seconds from SIGTERM to SIGKILL."""
