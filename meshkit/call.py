"""The current call: its user, deadline, and the ids that connect its logs, traces and child calls."""

import contextlib
import time
from collections.abc import Iterator
from contextvars import ContextVar
from typing import NamedTuple

from meshkit.errors import UnauthenticatedError


class Effects:
    """What a call has done so far. Shared by all tasks of the call."""

    __slots__ = ("begun", "gate_asked")

    def __init__(self) -> None:
        self.begun = False
        self.gate_asked = False


class Call(NamedTuple):
    """One call. `user_id` is None without a token and between services; `deadline` is by time.monotonic().

    A tuple, because one is created per call and a frozen dataclass takes five times as long to create.
    """

    request_id: str
    user_id: int | None = None
    session_id: str | None = None
    idempotency_key: str | None = None
    traceparent: str | None = None
    deadline: float | None = None
    user_agent: str = ""
    address: str = ""
    """The app's address, as the edge sees it. Only user_svc gets it."""
    effects: Effects | None = None
    is_rest: bool = False
    """The edge translates the answer, and headers are what the app sees."""
    if_none_match: str = ""
    """The header of a REST call: the ETags of answers that the app has."""

    def remaining(self) -> float | None:
        """Return the seconds left, or None without a deadline."""
        return None if self.deadline is None else self.deadline - time.monotonic()


NO_CALL = Call(request_id="")
CURRENT: ContextVar[Call] = ContextVar("lensfeed_call", default=NO_CALL)


def current_call() -> Call:
    """Return the call being served, or an empty call outside of one."""
    return CURRENT.get()


def mark_begun() -> None:
    """Note that the current call has written something, or may have: a failure now leaves its outcome unknown."""
    if (effects := CURRENT.get().effects) is not None:
        effects.begun = True


def has_begun() -> bool:
    """Tell whether the current call may have written something."""
    effects = CURRENT.get().effects
    return effects is not None and effects.begun


def mark_gate_asked() -> None:
    """Note that the current call has asked what its caller may see of others."""
    if (effects := CURRENT.get().effects) is not None:
        effects.gate_asked = True


def is_gate_asked() -> bool:
    """Tell whether the current call has asked what its caller may see of others."""
    effects = CURRENT.get().effects
    return effects is not None and effects.gate_asked


@contextlib.contextmanager
def unnoticed_writes() -> Iterator[None]:
    """Do not count the writes of the block: nobody can see them, and repeating the call is as safe as before."""
    begun = has_begun()
    try:
        yield
    finally:
        if (effects := CURRENT.get().effects) is not None:
            effects.begun = begun


def caller_id() -> int:
    """Return the calling user's id. Raises UnauthenticatedError (TOKEN_MISSING) if there is none."""
    user_id = CURRENT.get().user_id
    if user_id is None:
        raise UnauthenticatedError("TOKEN_MISSING", "this method needs an access token")
    return user_id
