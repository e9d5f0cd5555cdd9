"""The model of posts on their way."""

from dataclasses import replace

import pytest

from bench.capacity.flow.day import HOUR, STEP, Step, day
from bench.capacity.flow.promise import (
    OUTAGE,
    Scene,
    is_in_time_after,
    outcome,
    scene,
    usual_workers,
    workers_after_an_outage,
    workers_without_a_region,
)
from bench.capacity.flow.simulate import simulate
from bench.capacity.numbers.assumed import People
from bench.capacity.numbers.inputs import Inputs
from bench.capacity.sizes.work import Jobs, Work

pytestmark = pytest.mark.slow

WORK = Work(events=100.0, event_seconds=0.02, chunk_seconds=0.5, jobs=(Jobs(1, 2.0), Jobs(4, 0.5)))
QUIET = [Step(1.0, 1.0)] * 60


@pytest.fixture(scope="module")
def seen() -> Scene:
    """Return the scene of the design scale."""
    return scene(Inputs())


@pytest.mark.parametrize("workers", [1, 3, 5, 20])
@pytest.mark.parametrize("parked", [range(0), range(100, 300)], ids=["in order", "parked"])
def test_nothing_is_lost(workers: int, parked: range) -> None:
    """What came in was handled or still waits, for posts and for chunks, with too few workers and with enough."""
    flow = simulate(WORK, QUIET, lambda at: 0 if at in parked else workers, 1, parked)
    assert flow.posts_in == pytest.approx(flow.posts_out + flow.posts_left)
    assert flow.chunks_in == pytest.approx(flow.chunks_out + flow.chunks_left)
    left = flow.posts_left * WORK.event_seconds + flow.chunks_left * WORK.chunk_seconds
    assert flow.backlog[-1] == pytest.approx(left)


def test_each_post_begins_its_fan_outs() -> None:
    """Without bursts, as many chunks begin as the rates of fan-outs say."""
    flow = simulate(WORK, QUIET, lambda _: 100, 1)
    assert flow.chunks_in == pytest.approx(flow.posts_out * WORK.chunks / WORK.events)


def test_enough_workers_handle_each_step_at_once() -> None:
    """With idle workers a post is at its last follower at the end of its step."""
    flow = simulate(WORK, QUIET, lambda _: 100, 1)
    assert flow.latest(range(len(QUIET) * STEP)) == STEP


def test_a_seed_gives_the_same_flow() -> None:
    """Two runs with one seed are equal, and another seed differs."""
    first, again, other = (simulate(WORK, QUIET, lambda _: 5, seed) for seed in (1, 1, 2))
    assert first == again
    assert first != other


def test_more_workers_are_never_later(seen: Scene) -> None:
    """The latest post of an evening is no later with more workers, on a usual day and around an outage."""
    for outage in (1.0, 0.0):
        for is_parked in (False, True):
            flows = [seen.flow(n, outage, 5 * HOUR, is_parked=is_parked) for n in (200, 300, 450, 700, 1_000, 3_000)]
            latest = [flow.latest(range(4 * HOUR)) for flow in flows]
            assert latest == sorted(latest, reverse=True)


def test_the_numbers_of_workers_are_the_smallest(seen: Scene) -> None:
    """One worker fewer breaks the two minutes."""
    evening = range(4 * HOUR)
    for share, workers in ((1.0, usual_workers(seen)), (2 / 3, workers_without_a_region(seen))):
        assert seen.flow(workers, share, 5 * HOUR).latest(evening) <= seen.late_seconds
        assert seen.flow(workers - 1, share, 5 * HOUR).latest(evening) > seen.late_seconds


def test_the_backlog_of_an_outage_delays_new_posts_unless_it_is_parked(seen: Scene) -> None:
    """After an outage, new posts wait behind those of the outage, or in turn with them if those were parked."""
    in_order, parked = outcome(seen, 900), outcome(seen, 900, is_parked=True)
    assert in_order.latest_minutes > 10
    assert in_order.recovered_minutes > 10
    assert parked.latest_minutes <= 2
    assert parked.recovered_minutes == 0
    assert parked.done_minutes == pytest.approx(in_order.done_minutes, rel=0.2)


def test_the_workers_after_an_outage_push_its_posts_in_two_minutes(seen: Scene) -> None:
    """With them, the posts of the outage are visible two minutes after its end."""
    workers = workers_after_an_outage(seen)
    until = OUTAGE.stop + 240
    assert is_in_time_after(seen.flow(workers, 0.0, until), seen)
    assert not is_in_time_after(seen.flow(workers - 1, 0.0, until), seen)


def test_a_day_has_its_average_and_its_peak() -> None:
    """The wave is 1 on average and reaches the peak at the peak hour; bursts only touch large fan-outs."""
    steps = day(replace(People(), peak=3.0), 1)
    posts = [step.posts for step in steps]
    assert sum(posts) / len(posts) == pytest.approx(1.0, abs=1e-3)
    assert max(posts) == pytest.approx(3.0, abs=1e-3)
    assert posts.index(max(posts)) == 20 * HOUR // STEP
    assert {round(step.jobs / step.posts) for step in steps} == {1, 5}
