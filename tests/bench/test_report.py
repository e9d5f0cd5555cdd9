"""The page that is made of results."""

from typing import Any

from bench.figures import Figure, Goal
from bench.report import number, render
from bench.suite import SUITE

TAKEN = {
    "date": "2026-03-01 10:00 UTC",
    "commit": "abc1234",
    "is_changed": False,
    "is_quick": False,
    "cores": 2,
    "processor": "A Processor",
    "versions": {"Python": "3.11.7"},
    "load_at_start": 0.1,
    "load_at_end": 1.5,
}


def results(*figures: Figure, **taken: Any) -> dict[str, Any]:
    """Make the results of one measurement."""
    told = [figure.to_json() for figure in figures]
    return {"measurements": {"hot_read": {"taken": {**TAKEN, **taken}, "figures": told}}}


def reads(ours: float, goal: float = 0.7) -> Figure:
    """Make a figure against 1,000."""
    return Figure("hot_read", "Warm reads", "calls/s", [(ours, 1000.0)], "feed_svc", "bare", Goal("at least", goal))


def row_of(page: str) -> str:
    """Return the one row of the page's table."""
    (row,) = [line for line in page.splitlines() if line.startswith("| Warm reads")]
    return row


def test_a_row_has_the_ratio_its_spread_its_goal_and_both_members() -> None:
    """Who reads the page needs nothing else to judge a figure."""
    row = row_of(render(results(reads(812.0)), {}, {"hot_read": "The hot read"}))
    assert row == (
        "| Warm reads | 0.812 | 1 sample | at least 0.7 | yes | feed_svc: 812 calls/s | bare: 1,000 calls/s |"
    )


def test_a_figure_below_its_goal_says_so_even_without_a_note() -> None:
    """Nothing about a missed goal is left to be found out."""
    page = render(results(reads(600.0)), {}, {"hot_read": "The hot read"})
    assert "| **no** |" in row_of(page)
    assert "*Warm reads*: below its goal; nobody has noted why yet." in page


def test_a_note_stands_below_its_figure() -> None:
    """The reason of a figure is written by hand, and kept beside what is measured anew."""
    notes = {"hot_read": {"note": "The event loop takes half.\n"}}
    page = render(results(reads(600.0)), notes, {"hot_read": "The hot read"})
    assert "*Warm reads*: The event loop takes half." in page
    assert "nobody has noted" not in page


def test_the_page_says_on_what_the_figures_were_taken() -> None:
    """Cores, processor, versions, commit and load stand beside the figures, and whether they were taken in a hurry."""
    titles = {"hot_read": "The hot read"}
    page = render(results(reads(800.0)), {}, titles)
    assert "commit abc1234; 2 cores of A Processor; Python 3.11.7; load 0.1 at the start and 1.5 at the end." in page
    hasty = render(results(reads(800.0), is_quick=True, is_changed=True), {}, titles)
    assert "commit abc1234 with changes;" in hasty
    assert "quick: shorter samples" in hasty


def test_measurements_stand_in_the_suites_order_and_lost_ones_are_left_out() -> None:
    """Results of a measurement that was removed from the suite are not shown."""
    several = {"measurements": {name: results(reads(800.0))["measurements"]["hot_read"] for name in ("b", "a", "gone")}}
    page = render(several, {}, {"a": "Title A", "b": "Title B"})
    assert [line for line in page.splitlines() if line.startswith("## ")] == ["## Title A", "## Title B"]


def test_numbers_read_as_people_write_them() -> None:
    """Three significant digits, thousands grouped."""
    assert [number(value) for value in (0.79951, 12.345, 4321.6, 20000.0)] == ["0.8", "12.3", "4,322", "20,000"]


def test_every_measurement_of_the_suite_has_a_name_of_its_own() -> None:
    """The name is the key of its results."""
    names = [each.name for each in SUITE]
    assert names
    assert len(set(names)) == len(names)
