"""What follows from samples."""

import json

import pytest

from bench.figures import Figure, Goal, rounded


def paired(*samples: tuple[float, float], goal: Goal | None = None) -> Figure:
    """Make a figure of pairs."""
    return Figure("reads", "Reads", "calls/s", samples, "ours", "floor", goal)


def test_a_figure_of_pairs_is_the_median_of_their_ratios() -> None:
    """Each sample is held against its own partner: a disturbance that falls on both leaves no trace."""
    figure = paired((80.0, 100.0), (8.0, 10.0), (30.0, 100.0))
    assert figure.values == [0.8, 0.8, 0.3]
    assert figure.median == 0.8
    # The ratio of the medians would say 0.3.
    assert figure.medians() == (30.0, 100.0)


def test_a_figure_without_a_partner_is_the_median_of_its_samples() -> None:
    """It is in its own unit."""
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
    """The median decides, whatever the best sample was."""
    assert paired((8.0, 10.0), (99.0, 1.0), (1.0, 99.0), goal=goal).is_met is met


@pytest.mark.parametrize("samples", [[], [(1.0,)], [(1.0, 2.0), (1.0,)], [(1.0, 2.0, 3.0)]])
def test_samples_that_are_no_pairs_are_refused(samples: list[tuple[float, ...]]) -> None:
    """A figure without samples, or with half a pair, is a mistake of its measurement."""
    with pytest.raises(ValueError, match="reads wants samples of 2"):
        Figure("reads", "Reads", "calls/s", samples, "ours", "floor")


def test_a_figure_survives_its_results() -> None:
    """What is read back says the same, and the results hold every sample, not only what follows from them."""
    figure = paired((80.0, 100.0), (45.0, 50.0), goal=Goal("at least", 0.7))
    told = json.loads(json.dumps(figure.to_json()))
    assert told["samples"] == [[80.0, 100.0], [45.0, 50.0]]
    assert (told["median"], told["min"], told["max"], told["met"]) == (0.85, 0.8, 0.9, True)
    assert Figure.from_json(told).to_json() == told


def test_numbers_have_no_more_digits_than_they_are_worth() -> None:
    """Four significant digits, however large or small."""
    assert [rounded(value) for value in (0.0123456, 1.23456, 123456.0)] == [0.01235, 1.235, 123500.0]
