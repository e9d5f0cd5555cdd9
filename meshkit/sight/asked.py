"""Whether the gate was asked in the current call. The layer `shows` refuses answers of calls that did not ask."""

from contextvars import ContextVar


class Asked:
    """A mark that all tasks of one call share."""

    __slots__ = ("is_set",)

    def __init__(self) -> None:
        self.is_set = False


ASKED: ContextVar[Asked | None] = ContextVar("lensfeed_gate_asked", default=None)


def mark_asked() -> None:
    """Note that the gate was asked in the current call."""
    if (asked := ASKED.get()) is not None:
        asked.is_set = True
