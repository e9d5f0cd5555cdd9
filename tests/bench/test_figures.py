"""Figures and goals, computed from samples."""

import json

import pytest

from bench.figures import Figure, Goal, rounded


def paired(*samples: tuple[float, float], goal: Goal | None = None) -> Figure:
    """Create a figure of pairs."""
    return Figure("reads", "Reads", "calls/s", samples, "ours", "floor", goal)


def test_a_figure_of_pairs_is_the_median_of_their_ratios() -> None:
    """A figure of pairs is the median of their ratios, so that disturbances of both cancel out."""
    figure = paired((80.0, 100.0), (8.0, 10.0), (30.0, 100.0))
    assert figure.values == [0.8, 0.8, 0.3]
    assert figure.median == 0.8
    # The ratio of the medians would be 0.3.
    assert figure.medians() == (30.0, 100.0)


def test_a_figure_without_a_partner_is_the_median_of_its_samples() -> None:
    """Without a baseline the figure is in its own unit."""
    figure = Figure("first", "First", "ms", [(9.0,), (2.0,), (4.0,)])
    assert figure.median == 4.0
    assert figure.is_met is None


@pytest.mark.parametrize(
    ("goal", "met"),
    [
        (Goal("at least", 0.8), True),
        (Goal("at least", 0.81), False),
        (Goal("at most", 0.8), True),
        (Goal("at most", 0.79), False),
    ],
)
def test_a_goal_is_met_up_to_the_goal_itself(goal: Goal, met: bool) -> None:
    """A goal is met if the median reaches it exactly or better."""
    assert paired((8.0, 10.0), (99.0, 1.0), (1.0, 99.0), goal=goal).is_met is met


@pytest.mark.parametrize("samples", [[], [(1.0,)], [(1.0, 2.0), (1.0,)], [(1.0, 2.0, 3.0)]])
def test_samples_without_a_partner_are_refused(samples: list[tuple[float, ...]]) -> None:
    """A figure without samples or with half a pair is an error."""
    with pytest.raises(ValueError, match="reads needs at least one sample, each with 2"):
        Figure("reads", "Reads", "calls/s", samples, "ours", "floor")


def test_figures_can_be_restored_from_results() -> None:
    """A figure restored from the results is equal, and the results have all samples."""
    figure = paired((80.0, 100.0), (45.0, 50.0), goal=Goal("at least", 0.7))
    told = json.loads(json.dumps(figure.to_json()))
    assert told["samples"] == [[80.0, 100.0], [45.0, 50.0]]
    assert (told["median"], told["min"], told["max"], told["met"]) == (0.85, 0.8, 0.9, True)
    assert Figure.from_json(told).to_json() == told


def test_numbers_are_rounded_to_four_digits() -> None:
    """Numbers of any size get four significant digits."""
    assert [rounded(value) for value in (0.0123456, 1.23456, 123456.0)] == [0.01235, 1.235, 123500.0]
