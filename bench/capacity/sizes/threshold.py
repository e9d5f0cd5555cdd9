"""From how many followers pulling costs less than pushing. Pure.

The model is that of "Feeding Frenzy: Selectively Materializing Users' Event Feeds" (Silberstein, Terrace, Cooper, Ramakrishnan,
SIGMOD 2010): an event of a producer is pushed to a consumer if the push costs less than what the consumer's reads would pull. The
cheapest plan decides for each pair, by the producer's rate of events and the consumer's rate of reads. lensfeed decides for each
author, by followers, and its pulls cost less the more readers share them.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from bench.capacity.numbers.inputs import Inputs
from bench.capacity.numbers.mission import DAY_SECONDS
from bench.capacity.sizes.population import Cell
from bench.capacity.sizes.traffic import THRESHOLD, reads_of_a_follower
from bench.capacity.sizes.work import CHUNK, chunk_overhead
from feed_svc.reading.celebrity_posts import FRESH_SECONDS

PULLED_IN_BENCHMARK = 50


@dataclass(frozen=True, slots=True)
class Costs:
    """What a threshold costs, in cores that are busy all day."""

    threshold: float
    pushes: float
    pulls: float

    @property
    def total(self) -> float:
        """Cores in all."""
        return self.pushes + self.pulls


def push_seconds(inputs: Inputs) -> float:
    """Return the core seconds of one push: the worker's, with its share of a chunk, and Redis's."""
    return 1 / inputs.measured.pushes + chunk_overhead(inputs) / CHUNK + inputs.servers.push_us / 1e6


def miss_share(inputs: Inputs, followers: float, processes: float) -> float:
    """Return the share of reads that load an author's posts from Redis.

    Each process keeps them for FRESH_SECONDS, T. Asked r times a second, it loads them for 1 of 1 + r T reads.
    """
    rate = followers * reads_of_a_follower(inputs) / DAY_SECONDS / processes
    return 1 / (1 + rate * FRESH_SECONDS)


def pull_seconds(inputs: Inputs, followers: float, processes: float) -> float:
    """Return the core seconds that one pulled author adds to one read: the merge, and the load by Redis and by its client."""
    merge = inputs.measured.pull_ms / 1_000 / PULLED_IN_BENCHMARK
    return merge + miss_share(inputs, followers, processes) * 2 * inputs.servers.window_us / 1e6


def loads_of_a_read(inputs: Inputs, cells: Sequence[Cell], processes: float) -> float:
    """Return how many pulled authors' posts a read loads from Redis."""
    pulled = [cell for cell in cells if cell.followers >= THRESHOLD]
    loads = sum(cell.accounts * cell.followers * miss_share(inputs, cell.followers, processes) for cell in pulled)
    return loads / inputs.accounts


def costs(inputs: Inputs, cells: Sequence[Cell], threshold: float, processes: float) -> Costs:
    """Return what it costs to push the authors below the threshold and to pull the others."""
    pushed = sum(cell.pushes for cell in cells if cell.followers < threshold) * push_seconds(inputs)
    pulled = sum(
        cell.accounts * cell.followers * reads_of_a_follower(inputs) * pull_seconds(inputs, cell.followers, processes)
        for cell in cells
        if cell.followers >= threshold
    )
    return Costs(threshold, pushed / DAY_SECONDS, pulled / DAY_SECONDS)


def cheapest(inputs: Inputs, cells: Sequence[Cell], processes: float) -> Costs:
    """Return the threshold that costs least: where the first author begins for whom pulling costs less.

    Both the rate of posts and the share of reads that find posts in memory grow with followers. So pulling costs less from one
    number of followers on, and one comparison for each cell is enough.
    """
    for cell in cells:
        push = cell.posts * push_seconds(inputs)
        if reads_of_a_follower(inputs) * pull_seconds(inputs, cell.followers, processes) < push:
            return costs(inputs, cells, cell.followers, processes)
    return costs(inputs, cells, float("inf"), processes)
