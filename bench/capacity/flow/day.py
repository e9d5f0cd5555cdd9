"""The load of a day in steps of ten seconds: a daily wave and bursts. Seeded."""

import math
import random
from dataclasses import dataclass

from bench.capacity.numbers.assumed import People
from bench.capacity.numbers.mission import DAY_SECONDS

STEP = 10
"""Seconds of a step."""
PEAK_HOUR = 20
HOUR = 3_600
_HALVINGS = 50


@dataclass(frozen=True, slots=True)
class Step:
    """How many times their daily averages posts and large fan-outs are."""

    posts: float
    jobs: float


def day(people: People, seed: int) -> list[Step]:
    """Return each step of a day.

    The wave is exp(k cos t) over its average, with k such that it reaches `peak` at the peak hour. During a burst, authors with
    many followers post more often. Bursts begin at random, independent of each other.
    """
    chance = random.Random(seed)
    k = _sharpness(people.peak)
    mean = _bessel(k)
    steps, until = [], 0.0
    for at in range(0, DAY_SECONDS, STEP):
        if chance.random() < STEP / people.bursts_apart:
            until = at + people.burst_seconds
        wave = math.exp(k * math.cos(math.tau * (at / HOUR - PEAK_HOUR) / 24)) / mean
        steps.append(Step(wave, wave * (people.burst_factor if at < until else 1)))
    return steps


def arrivals(chance: random.Random, mean: float) -> float:
    """Return how many arrive in a step: Poisson, by its normal approximation, which suits hundreds."""
    return max(0.0, chance.gauss(mean, math.sqrt(mean)))


def _sharpness(peak: float) -> float:
    """Return k with exp(k) / I0(k) = peak."""
    low, high = 0.0, 50.0
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        low, high = (low, middle) if math.exp(middle) / _bessel(middle) > peak else (middle, high)
    return low


def _bessel(k: float) -> float:
    """Return I0(k), the average of exp(k cos t)."""
    term = total = 1.0
    for n in range(1, 200):
        term *= (k / 2 / n) ** 2
        total += term
    return total
