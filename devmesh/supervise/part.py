"""One part of a mesh, as the supervisor sees it."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from devmesh.supervise.process import Command
from devmesh.supervise.readiness import Check
from devmesh.supervise.running import START_SECONDS

DRAIN_SECONDS = 15.0
"""How long a part may take to end. A service gives the calls that it has in hand 10 s of it."""


async def nothing() -> None:
    """Do nothing."""


def _nothing() -> None:
    """Do nothing."""


@dataclass(frozen=True)
class Part:
    """One process of a mesh, and what there is to know to look after it."""

    name: str
    command: Command
    check: Check
    """Holds once the part answers."""
    address: str
    """Where it listens, as shown to the person at the terminal."""
    set_up: Callable[[], Awaitable[None]] = nothing
    """What remains to do once it answers; it is ready after that. Repeatable: it runs after every start."""
    clean_up: Callable[[], None] = _nothing
    """What remains to do once it has ended."""
    patience: float = START_SECONDS
    """Seconds from its start until it must answer."""
    grace: float = DRAIN_SECONDS
    """Seconds from SIGTERM to SIGKILL."""
