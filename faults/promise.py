"""What a promise, its figures and its controls are."""

import math
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from faults.session import Session


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured number and how large it may be."""

    name: str
    value: float
    most: float
    unit: str = ""

    @property
    def is_held(self) -> bool:
        """Whether the number is within its goal. One that could not be measured (NaN) is not."""
        return self.value <= self.most

    @property
    def text(self) -> str:
        """The number with its name."""
        return f"{self.name} {_number(self.value)}{self.unit if math.isfinite(self.value) else ''}"

    @property
    def goal(self) -> str:
        """The goal."""
        return f"{self.name} ≤ {_number(self.most)}{self.unit}" if self.most else f"{self.name} 0"


@dataclass(frozen=True, slots=True)
class Findings:
    """The figures of a promise, or of one of its controls, and how many runs they come from."""

    runs: int
    figures: Sequence[Figure]

    @property
    def is_held(self) -> bool:
        """Whether every figure is within its goal, and anything ran at all."""
        return self.has_run and all(each.is_held for each in self.figures)

    @property
    def is_broken(self) -> bool:
        """Whether a figure that was measured misses its goal. A run that failed has shown nothing, so it is neither."""
        return self.has_run and not self.is_held

    @property
    def has_run(self) -> bool:
        """Whether anything ran and was measured."""
        return self.runs > 0 and bool(self.figures)


Run = Callable[[Session], Awaitable[Findings]]


@dataclass(frozen=True, slots=True)
class Control:
    """A run without something that the promise rests on. It must break the promise."""

    without: str
    run: Run


@dataclass(frozen=True, slots=True)
class Promise:
    """Something that lensfeed promises."""

    number: int
    text: str
    faults: str
    run: Run
    controls: Sequence[Control]


def percentile(values: Sequence[float], share: float) -> float:
    """Return the smallest value that so large a share of all values does not exceed; NaN of no values."""
    if not values:
        return float("nan")
    return sorted(values)[max(0, math.ceil(share * len(values)) - 1)]


def _number(value: float) -> str:
    if not math.isfinite(value):
        return "unknown" if math.isnan(value) else "never"
    return f"{value:,.0f}" if value == round(value) else f"{value:,.2f}"
