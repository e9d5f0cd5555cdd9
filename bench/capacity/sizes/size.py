"""An amount that the mesh needs. Pure."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Size:
    """How much of something a part needs, and how that is calculated."""

    part: str
    amount: float
    unit: str
    how: str
