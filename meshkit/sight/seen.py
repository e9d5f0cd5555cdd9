"""A value that its viewer may see."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

T_co = TypeVar("T_co", covariant=True)
R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class Seen(Generic[T_co]):
    """A value that its viewer may see. Presenters take nothing else, and only the gate makes one."""

    value: T_co

    def map(self, view: Callable[[T_co], R]) -> "Seen[R]":
        """Return a view of the value, which has nothing that the value does not have."""
        return Seen(view(self.value))
