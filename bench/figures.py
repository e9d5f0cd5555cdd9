"""Figures: samples with their median, spread and goal. Pure."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, Self

# One value, or a pair of ours and the baseline's, taken right after each other.
Sample = tuple[float, ...]
PAIR = 2


@dataclass(frozen=True, slots=True)
class Goal:
    """The goal of a figure."""

    kind: Literal["at least", "at most"]
    value: float

    def is_met(self, figure: float) -> bool:
        """Return whether a figure meets the goal."""
        return figure >= self.value if self.kind == "at least" else figure <= self.value

    def __str__(self) -> str:
        """Return the goal as text."""
        return f"{self.kind} {self.value:g}"


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure. With `theirs`, samples are pairs (ours, theirs) and the figure is their ratio.

    `name` is its key. `what` describes it in one line. Samples are in `unit`.
    """

    name: str
    what: str
    unit: str
    samples: Sequence[Sample]
    ours: str = ""
    theirs: str = ""
    goal: Goal | None = None

    def __post_init__(self) -> None:
        """Raise ValueError if samples are missing or are not pairs although they should be."""
        width = PAIR if self.theirs else 1
        if not self.samples or any(len(sample) != width for sample in self.samples):
            raise ValueError(f"{self.name} needs at least one sample, each with {width} value(s)")

    @property
    def values(self) -> list[float]:
        """The figure of each sample."""
        return [sample[0] / sample[1] if self.theirs else sample[0] for sample in self.samples]

    @property
    def median(self) -> float:
        """The median of all samples."""
        return statistics.median(self.values)

    @property
    def is_met(self) -> bool | None:
        """Whether the goal is met; None without a goal."""
        return None if self.goal is None else self.goal.is_met(self.median)

    def medians(self) -> tuple[float, ...]:
        """Return the median of each member, in `unit`."""
        return tuple(statistics.median(each) for each in zip(*self.samples, strict=True))

    def to_json(self) -> dict[str, Any]:
        """Return the figure for the results file, with samples and derived values."""
        return {
            "name": self.name,
            "what": self.what,
            "unit": self.unit,
            "ours": self.ours,
            "theirs": self.theirs,
            "samples": [[rounded(value) for value in sample] for sample in self.samples],
            "median": rounded(self.median),
            "min": rounded(min(self.values)),
            "max": rounded(max(self.values)),
            "goal": None if self.goal is None else {"kind": self.goal.kind, "value": self.goal.value},
            "met": self.is_met,
        }

    @classmethod
    def from_json(cls, known: dict[str, Any]) -> Self:
        """Restore a figure from `to_json`. Derived values are computed again."""
        goal = known["goal"] and Goal(known["goal"]["kind"], known["goal"]["value"])
        samples = [tuple(sample) for sample in known["samples"]]
        return cls(known["name"], known["what"], known["unit"], samples, known["ours"], known["theirs"], goal)


def rounded(value: float) -> float:
    """Round to four significant digits. No sample is more precise."""
    return float(f"{value:.4g}")
