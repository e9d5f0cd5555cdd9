"""Everything that the page shows, calculated once."""

import functools
from dataclasses import dataclass, replace

from bench.capacity.flow.promise import (
    Outcome,
    Scene,
    outcome,
    scene,
    usual_workers,
    workers_after_an_outage,
    workers_after_parking,
    workers_without_a_region,
)
from bench.capacity.numbers.inputs import Inputs
from bench.capacity.numbers.measured import Measured
from bench.capacity.sizes.bill import bill
from bench.capacity.sizes.cassandra import cassandra_sizes
from bench.capacity.sizes.cores import core_sizes, serving_processes
from bench.capacity.sizes.limits import Limit, limits
from bench.capacity.sizes.population import Cell, population
from bench.capacity.sizes.redis import redis_sizes
from bench.capacity.sizes.size import Size
from bench.capacity.sizes.traffic import Traffic, traffic
from bench.harness import read_results

TIMES = 10


@dataclass(frozen=True)
class Plan:
    """The plan for some numbers."""

    inputs: Inputs

    @functools.cached_property
    def cells(self) -> tuple[Cell, ...]:
        """Accounts by followers."""
        return population(self.inputs)

    @functools.cached_property
    def traffic(self) -> Traffic:
        """Rates at the peak."""
        return traffic(self.inputs, self.cells)

    @functools.cached_property
    def processes(self) -> float:
        """Processes that answer reads."""
        return serving_processes(self.inputs, self.traffic)

    @functools.cached_property
    def sizes(self) -> list[Size]:
        """What each part needs."""
        seen = self.traffic
        return [
            *redis_sizes(self.inputs, seen, self.cells, self.processes),
            *cassandra_sizes(self.inputs, seen),
            *core_sizes(self.inputs, seen, self.cells),
        ]

    @functools.cached_property
    def limits(self) -> list[Limit]:
        """What more machines do not help."""
        return limits(self.inputs, self.traffic, self.cells)

    @functools.cached_property
    def bill(self) -> list[tuple[str, float]]:
        """What drives the cost."""
        return bill(self.inputs, self.traffic, self.cells)


@dataclass(frozen=True)
class Promise:
    """What the model of the flow says: workers, and what outages do with them."""

    scene: Scene
    steady: int
    usual: int
    without_region: int
    after_outage: int
    after_parking: int
    outcomes: tuple[Outcome, ...]
    parked: tuple[Outcome, ...]


@functools.cache
def plan() -> Plan:
    """Return the plan for the mission."""
    return Plan(Inputs(measured=Measured.of(read_results())))


@functools.cache
def promise() -> Promise:
    """Run the model. It takes some seconds."""
    inputs = plan().inputs
    seen = scene(inputs)
    steady = usual_workers(scene(replace(inputs, people=replace(inputs.people, burst_factor=1.0))))
    usual, without, after = usual_workers(seen), workers_without_a_region(seen), workers_after_an_outage(seen)
    parking = workers_after_parking(seen)
    outcomes = tuple(outcome(seen, workers) for workers in (usual, without, 2 * without, after))
    parked = tuple(outcome(seen, workers, is_parked=True) for workers in (usual, without, parking))
    return Promise(seen, steady, usual, without, after, parking, outcomes, parked)
