"""What a measurement says: its samples, their median and spread, and whether it is where it should be. Pure."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, Self

# A sample of the thing, or of the thing and what it is held against, taken one right after the other.
Sample = tuple[float, ...]
PAIR = 2


@dataclass(frozen=True, slots=True)
class Goal:
    """Where a figure should be."""

    kind: Literal["at least", "at most"]
    value: float

    def is_met(self, figure: float) -> bool:
        """Tell whether a figure is there."""
        return figure >= self.value if self.kind == "at least" else figure <= self.value

    def __str__(self) -> str:
        """Return it as a reader says it."""
        return f"{self.kind} {self.value:g}"


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure. With `theirs` its samples are pairs (ours, theirs) in `unit`, and it is their ratio; else it is in `unit`.

    `name` is its key; `what` says what was measured, in one line. A goal of None only reports.
    """

    name: str
    what: str
    unit: str
    samples: Sequence[Sample]
    ours: str = ""
    theirs: str = ""
    goal: Goal | None = None

    def __post_init__(self) -> None:
        """Raise ValueError for samples that are none, or no pairs where they should be."""
        width = PAIR if self.theirs else 1
        if not self.samples or any(len(sample) != width for sample in self.samples):
            raise ValueError(f"{self.name} wants samples of {width}, at least one")

    @property
    def values(self) -> list[float]:
        """What each sample says of the figure."""
        return [sample[0] / sample[1] if self.theirs else sample[0] for sample in self.samples]

    @property
    def median(self) -> float:
        """The figure."""
        return statistics.median(self.values)

    @property
    def is_met(self) -> bool | None:
        """Whether the figure is where it should be; None without a goal."""
        return None if self.goal is None else self.goal.is_met(self.median)

    def medians(self) -> tuple[float, ...]:
        """Return the median of each member on its own, in `unit`."""
        return tuple(statistics.median(each) for each in zip(*self.samples, strict=True))

    def to_json(self) -> dict[str, Any]:
        """Return it as it stands in the results: what was measured, and what follows."""
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
        """Return what `to_json` told of; what follows from the samples is worked out anew."""
        goal = known["goal"] and Goal(known["goal"]["kind"], known["goal"]["value"])
        samples = [tuple(sample) for sample in known["samples"]]
        return cls(known["name"], known["what"], known["unit"], samples, known["ours"], known["theirs"], goal)


def rounded(value: float) -> float:
    """Return a number with four significant digits: no sample is better than that."""
    return float(f"{value:.4g}")
