"""Notes which parts died, and when."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from devmesh.supervise.part import Part
from devmesh.supervise.reporter import State


@dataclass(frozen=True, slots=True)
class Death:
    """A part that exited and will be restarted."""

    part: str
    why: str
    at: float
    """By the monotonic clock."""


@dataclass
class Deaths:
    """Receives a supervisor's reports."""

    all: list[Death] = field(default_factory=list)
    listeners: list[Callable[[str], None]] = field(default_factory=list)
    """Each is called with the name of a part that has died, before its restart."""

    def status(self, part: Part, state: State) -> None:
        """Ignore a new state."""

    def died(self, part: Part, why: str, log_tail: str, restart_seconds: float) -> None:  # noqa: ARG002 - a Reporter's
        """Note a death."""
        self.all.append(Death(part.name, why, time.monotonic()))
        for listener in self.listeners:
            listener(part.name)

    def count(self, part: str, since: float = 0.0) -> int:
        """Return how often a part has been killed since then."""
        return sum(each.part == part and "SIGKILL" in each.why and each.at >= since for each in self.all)
