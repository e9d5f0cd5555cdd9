"""How many workers make posts visible in time: on a usual day, without a region, and after an outage. Seeded."""

from collections.abc import Callable
from dataclasses import dataclass

from bench.capacity.flow.day import HOUR, PEAK_HOUR, STEP, Step, day
from bench.capacity.flow.simulate import Flow, simulate
from bench.capacity.numbers.inputs import Inputs
from bench.capacity.sizes.population import population
from bench.capacity.sizes.work import Work, work

SEED = 2010
REGIONS = 3
# The outage is the hour before the peak, so that its backlog meets the peak. The model begins two hours earlier.
OUTAGE = range(2 * HOUR, 3 * HOUR)
WATCHED = range(12 * HOUR)
EVENING = range(4 * HOUR)
PEAK = range(3 * HOUR - HOUR // 2, 3 * HOUR + HOUR // 2)


@dataclass(frozen=True, slots=True)
class Scene:
    """The work, and the twelve hours of a day around its peak. Second 0 is three hours before the peak."""

    work: Work
    steps: tuple[Step, ...]
    late_seconds: float

    def flow(self, workers: float, outage: float = 1.0, until: int = WATCHED.stop, *, is_parked: bool = False) -> Flow:
        """Run the model with so many workers, and with this share of them during the outage, when posts may be parked."""

        def running(at: int) -> float:
            return workers * (outage if at in OUTAGE else 1.0)

        return simulate(self.work, self.steps[: until // STEP], running, SEED, OUTAGE if is_parked else range(0))


def scene(inputs: Inputs) -> Scene:
    """Return the scene of the given numbers."""
    whole = day(inputs.people, SEED)
    start = (PEAK_HOUR - 3) * HOUR // STEP
    steps = (whole[start:] + whole[:start])[: WATCHED.stop // STEP]
    return Scene(work(inputs, population(inputs)), tuple(steps), inputs.mission.late_seconds)


def least(holds: Callable[[int], bool], low: int) -> int:
    """Return the smallest number for which something holds, if it holds for all larger ones."""
    high = low
    while not holds(high):
        low, high = high + 1, high * 2
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if holds(middle) else (middle + 1, high)
    return low


def usual_workers(seen: Scene) -> int:
    """Return the workers with which every post of a usual evening is visible in time."""

    def holds(workers: int) -> bool:
        return seen.flow(workers, until=EVENING.stop + int(seen.late_seconds)).latest(EVENING) <= seen.late_seconds

    return least(holds, max(1, int(seen.work.workers)))


def workers_without_a_region(seen: Scene) -> int:
    """Return the workers, of all regions, with which posts are visible in time while one region's share is missing."""
    share = 1 - 1 / REGIONS

    def holds(workers: int) -> bool:
        flow = seen.flow(workers, share, EVENING.stop + int(seen.late_seconds))
        return flow.latest(EVENING) <= seen.late_seconds

    return least(holds, max(1, int(seen.work.workers)))


def workers_after_an_outage(seen: Scene) -> int:
    """Return the workers with which everything is visible in time after the end of an outage in which nothing was pushed."""
    end = OUTAGE.stop

    def holds(workers: int) -> bool:
        flow = seen.flow(workers, 0.0, end + 2 * int(seen.late_seconds))
        return recovered_at(flow, seen.late_seconds) <= end + seen.late_seconds and is_in_time_after(flow, seen)

    return least(holds, max(1, int(seen.work.workers)))


def workers_after_parking(seen: Scene) -> int:
    """Return the workers with which new posts are visible in time after such an outage, if its events were parked."""
    new = range(OUTAGE.stop, OUTAGE.stop + HOUR)

    def holds(workers: int) -> bool:
        flow = seen.flow(workers, 0.0, new.stop + int(seen.late_seconds), is_parked=True)
        return flow.latest(new) <= seen.late_seconds

    return least(holds, max(1, int(seen.work.workers)))


def is_in_time_after(flow: Flow, seen: Scene) -> bool:
    """Tell whether the posts of the outage are visible in time after its end, and those of the time after it in time."""
    limit = int(seen.late_seconds)
    return all(
        flow.visible_at(born) <= max(born, OUTAGE.stop) + limit for born in range(OUTAGE.start, flow.end - limit, STEP)
    )


def recovered_at(flow: Flow, late_seconds: float) -> int:
    """Return the second since when all posts are visible in time again."""
    late = [born for born in range(OUTAGE.start, flow.end, STEP) if flow.delay(born) > late_seconds]
    return max(late, default=OUTAGE.start - STEP) + STEP


@dataclass(frozen=True, slots=True)
class Outcome:
    """What an outage does with so many workers.

    `latest_minutes` is the delay of the latest post published after it. The others are counted from its end: since when new posts
    are in time, and when the last post of the outage is visible.
    """

    workers: int
    latest_minutes: float
    recovered_minutes: float
    done_minutes: float
    flow: Flow


def outcome(seen: Scene, workers: int, *, is_parked: bool = False) -> Outcome:
    """Return what happens after an hour without pushes."""
    flow = seen.flow(workers, 0.0, is_parked=is_parked)
    latest = flow.latest(range(OUTAGE.stop, EVENING.stop + HOUR))
    done = max(flow.visible_at(born) for born in range(OUTAGE.start, OUTAGE.stop, STEP))
    recovered = recovered_at(flow, seen.late_seconds)
    return Outcome(workers, latest / 60, (recovered - OUTAGE.stop) / 60, (done - OUTAGE.stop) / 60, flow)
