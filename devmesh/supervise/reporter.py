"""What a supervisor tells whoever watches it."""

from enum import Enum
from typing import Protocol

from devmesh.supervise.part import Part


class State(Enum):
    """Where a part is."""

    STARTING = "starting"
    READY = "ready"
    STOPPING = "stopping"
    STOPPED = "stopped"


class Reporter(Protocol):
    """Who watches."""

    def status(self, part: Part, state: State) -> None:
        """Hear that a part has come to a state."""
        ...

    def died(self, part: Part, why: str, log_tail: str, restart_seconds: float) -> None:
        """Hear that a part ended by itself or did not get ready, how its log ended, and when it starts again."""
        ...
