"""The interface through which a supervisor reports states."""

from enum import Enum
from typing import Protocol

from devmesh.supervise.part import Part


class State(Enum):
    """The state of a part."""

    STARTING = "starting"
    READY = "ready"
    STOPPING = "stopping"
    STOPPED = "stopped"


class Reporter(Protocol):
    """Receives reports of a supervisor."""

    def status(self, part: Part, state: State) -> None:
        """Report the new state of a part."""
        ...

    def died(self, part: Part, why: str, log_tail: str, restart_seconds: float) -> None:
        """Report that a part exited or did not become ready, with its last log lines and the restart delay."""
        ...
