"""Who follows whom at the beginning. The same seed gives the same plan."""

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random


@dataclass(frozen=True, slots=True)
class Size:
    """How many people there are, and how much they do."""

    people: int
    authors: int
    """So many of them have a photo, and post it again and again."""
    followees: int
    """How many others each person follows, on average."""
    silent_followers: int
    """Accounts that follow the first author and never read."""
    writes_a_second: float
    reads_a_second: float


WHOLE = Size(people=200, authors=60, followees=20, silent_followers=1_000, writes_a_second=6, reads_a_second=12)
QUICK = Size(people=30, authors=12, followees=8, silent_followers=1_000, writes_a_second=6, reads_a_second=6)
SMALL = Size(people=10, authors=5, followees=4, silent_followers=0, writes_a_second=6, reads_a_second=2)
"""For controls, which must only break something."""


def planned_follows(size: Size, seed: int) -> Sequence[tuple[int, int]]:
    """Return pairs of a follower and an author, by their places. Early authors have more followers than late ones."""
    chance = Random(f"{seed}/follows")
    weights = [1 / (place + 1) ** 0.5 for place in range(size.authors)]
    pairs = set[tuple[int, int]]()
    while len(pairs) < min(size.people * size.followees, size.people * (size.authors - 1) * 3 // 4):
        pair = (chance.randrange(size.people), chance.choices(range(size.authors), weights)[0])
        if pair[0] != pair[1]:
            pairs.add(pair)
    return sorted(pairs)
