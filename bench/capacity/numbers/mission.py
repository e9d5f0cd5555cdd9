"""The numbers that the mesh is designed for."""

from dataclasses import dataclass, replace
from typing import Self

from bench.capacity.numbers.source import given

DAY_SECONDS = 86_400
_MISSION = "what lensfeed is designed for"


@dataclass(frozen=True)
class Mission:
    """How many people use the mesh, and how much."""

    users: float = given(500e6, "people who read each day", "people", _MISSION)
    posts: float = given(100e6, "posts each day", "posts", _MISSION)
    reads: float = given(10, "reads of each person each day", "reads", _MISSION)
    followees: float = given(200, "followees, on average", "accounts", _MISSION)
    late_seconds: float = given(120, "how late a feed may be", "s", _MISSION)

    def times(self, factor: float) -> Self:
        """Return a mission with more people who post more in all, each of whom does as much as before."""
        return replace(self, users=self.users * factor, posts=self.posts * factor)
