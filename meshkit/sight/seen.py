"""A value that its viewer may see."""

from dataclasses import dataclass
from typing import Generic, TypeVar

T_co = TypeVar("T_co", covariant=True)


@dataclass(frozen=True, slots=True)
class Seen(Generic[T_co]):
    """A value that its viewer may see. Presenters take nothing else, and only the gate makes one."""

    value: T_co
