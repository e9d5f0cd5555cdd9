"""The work of feed_svc's workers: how long events and chunks take, and how many there are. Pure."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from bench.capacity.numbers.inputs import Inputs
from bench.capacity.numbers.mission import DAY_SECONDS
from bench.capacity.sizes.population import Cell
from bench.capacity.sizes.traffic import THRESHOLD
from feed_svc.fan_out.chunks import PAGES_PER_CHUNK
from feed_svc.peers import FOLLOWERS_PAGE

CHUNK = PAGES_PER_CHUNK * FOLLOWERS_PAGE
"""Followers of a chunk."""
# The large fan-out that was measured.
_LARGE = 100_000


@dataclass(frozen=True, slots=True)
class Jobs:
    """Fan-outs of as many chunks. `rate` is a second, on average over a day; `chunks` is rounded up."""

    chunks: int
    rate: float


@dataclass(frozen=True, slots=True)
class Work:
    """What workers do, on average over a day.

    `events` are posts a second. `event_seconds` is a worker's time for one with its first page, `chunk_seconds` for a chunk.
    """

    events: float
    event_seconds: float
    chunk_seconds: float
    jobs: tuple[Jobs, ...]

    @property
    def chunks(self) -> float:
        """Chunks a second."""
        return sum(each.chunks * each.rate for each in self.jobs)

    @property
    def workers(self) -> float:
        """Workers that are busy all the time."""
        return self.events * self.event_seconds + self.chunks * self.chunk_seconds


def work(inputs: Inputs, cells: Sequence[Cell], threshold: float = THRESHOLD) -> Work:
    """Return the work if authors with fewer followers than the threshold are pushed."""
    pushed = [cell for cell in cells if cell.followers < threshold]
    first = sum(cell.accounts * cell.posts * min(cell.followers, FOLLOWERS_PAGE) for cell in pushed)
    handling = inputs.servers.event_calls * inputs.measured.bare_ms / 1_000
    return Work(
        events=inputs.mission.posts / DAY_SECONDS,
        event_seconds=handling + first / inputs.mission.posts / inputs.measured.pushes,
        chunk_seconds=CHUNK / inputs.measured.pushes + chunk_overhead(inputs),
        jobs=_jobs(pushed),
    )


def chunk_overhead(inputs: Inputs) -> float:
    """Return what a chunk takes besides its pushes, in seconds: the large fan-out against the rate of pushes."""
    return max(0.0, inputs.measured.large_seconds - _LARGE / inputs.measured.pushes) / (_LARGE / CHUNK)


def chain_seconds(inputs: Inputs, followers: float) -> float:
    """Return how long the chunks of one fan-out take at least: each is queued once the followers of the one before are read."""
    return followers / FOLLOWERS_PAGE * inputs.servers.page_seconds


def _jobs(cells: Sequence[Cell]) -> tuple[Jobs, ...]:
    """Group fan-outs by how many chunks they have, by powers of two. A group has as many chunks as its members."""
    rates: dict[int, float] = {}
    sized = [(math.ceil(max(0.0, cell.followers - FOLLOWERS_PAGE) / CHUNK), cell) for cell in cells]
    most = max(chunks for chunks, _ in sized)
    for chunks, cell in sized:
        if chunks:
            kind = min(most, 1 << (chunks - 1).bit_length())
            rates[kind] = rates.get(kind, 0.0) + cell.accounts * cell.posts * chunks / kind / DAY_SECONDS
    return tuple(Jobs(chunks, rate) for chunks, rate in sorted(rates.items()))
