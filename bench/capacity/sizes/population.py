"""Accounts by followers, and how much each posts. Pure."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

from bench.capacity.numbers.inputs import Inputs

CELLS_A_DECADE = 20
_HALVINGS = 60


@dataclass(frozen=True, slots=True)
class Cell:
    """Some accounts with about as many followers. `posts` is of each account and day."""

    followers: float
    accounts: float
    posts: float

    @property
    def pushes(self) -> float:
        """Pushes a day if all of their posts are pushed."""
        return self.accounts * self.posts * self.followers


def population(inputs: Inputs) -> tuple[Cell, ...]:
    """Divide all accounts into cells, fewest followers first.

    Followers have the density C * f^-a from the least to the most followed, the account that is expected to be the first of N:
    most = least * N^(1/(a-1)). The least follows from the average, as every follower is someone's followee.
    """
    plain = _pareto(inputs.people.exponent, inputs.accounts)
    scale = inputs.mission.followees / (sum(f * n for f, n in plain) / sum(n for _, n in plain))
    sized = [(followers * scale, accounts) for followers, accounts in plain]
    power = _power(sized, inputs)
    return tuple(Cell(followers, accounts, _rate(followers, power, inputs)) for followers, accounts in sized)


def _pareto(exponent: float, accounts: float) -> list[tuple[float, float]]:
    """Return (mean followers, accounts) of cells of a power law whose least followed account has one follower."""
    most = accounts ** (1 / (exponent - 1))
    count = round(CELLS_A_DECADE * len(str(int(most))))
    edges = [most ** (at / count) for at in range(count + 1)]
    beyond = [edge ** (1 - exponent) for edge in edges]  # the share with more followers
    whole = beyond[0] - beyond[-1]
    return [
        (_mean(low, high, exponent), accounts * (above - below) / whole)
        for (low, high), (above, below) in zip(itertools.pairwise(edges), itertools.pairwise(beyond), strict=True)
    ]


def _mean(low: float, high: float, exponent: float) -> float:
    """Return the mean of a power law between two values."""
    one, two = 1 - exponent, 2 - exponent
    mean: float = (one / two) * (high**two - low**two) / (high**one - low**one)
    return mean


def _power(cells: Sequence[tuple[float, float]], inputs: Inputs) -> float:
    """Return b of the rate of posts, large_posts * (followers / large_followers)^b, that yields the posts of a day."""
    low, high = 0.0, 2.0
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        posts = sum(accounts * _rate(followers, middle, inputs) for followers, accounts in cells)
        low, high = (middle, high) if posts > inputs.mission.posts else (low, middle)
    return low


def _rate(followers: float, power: float, inputs: Inputs) -> float:
    rate: float = inputs.people.large_posts * (followers / inputs.people.large_followers) ** power
    return rate
