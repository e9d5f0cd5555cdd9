"""The page of benchmark results."""

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
    """Create the results of one benchmark."""
    told = [figure.to_json() for figure in figures]
    return {"measurements": {"hot_read": {"taken": {**TAKEN, **taken}, "figures": told}}}


def reads(ours: float, goal: float = 0.7) -> Figure:
    """Create a figure with a baseline of 1,000."""
    return Figure("hot_read", "Warm reads", "calls/s", [(ours, 1000.0)], "feed_svc", "bare", Goal("at least", goal))


def row_of(page: str) -> str:
    """Return the only row of the page's table."""
    (row,) = [line for line in page.splitlines() if line.startswith("| Warm reads")]
    return row


def test_a_row_has_the_ratio_its_spread_its_goal_and_both_members() -> None:
    """A row has ratio, spread, goal and the values of both sides."""
    row = row_of(render(results(reads(812.0)), {}, {"hot_read": "The hot read"}))
    assert row == (
        "| Warm reads | 0.812 | 1 sample | at least 0.7 | yes | feed_svc: 812 calls/s | bare: 1,000 calls/s |"
    )


def test_a_figure_below_its_goal_says_so_even_without_a_note() -> None:
    """A missed goal is marked, with a remark if it has no note."""
    page = render(results(reads(600.0)), {}, {"hot_read": "The hot read"})
    assert "| **no** |" in row_of(page)
    assert "*Warm reads*: misses its goal; no reason is noted yet." in page


def test_a_note_is_shown_with_its_figure() -> None:
    """A handwritten note is shown below the table."""
    notes = {"hot_read": {"note": "The event loop takes half.\n"}}
    page = render(results(reads(600.0)), notes, {"hot_read": "The hot read"})
    assert "*Warm reads*: The event loop takes half." in page
    assert "nobody has noted" not in page


def test_the_page_describes_machine_and_run() -> None:
    """The page shows cores, processor, versions, commit, load and whether the run was quick."""
    titles = {"hot_read": "The hot read"}
    page = render(results(reads(800.0)), {}, titles)
    assert "commit abc1234; 2 cores of A Processor; Python 3.11.7; load 0.1 at the start and 1.5 at the end." in page
    hasty = render(results(reads(800.0), is_quick=True, is_changed=True), {}, titles)
    assert "commit abc1234 with changes;" in hasty
    assert "quick: less data and shorter samples" in hasty


def test_benchmarks_are_in_suite_order() -> None:
    """Benchmarks are in the order of the suite, and removed ones are not shown."""
    several = {"measurements": {name: results(reads(800.0))["measurements"]["hot_read"] for name in ("b", "a", "gone")}}
    page = render(several, {}, {"a": "Title A", "b": "Title B"})
    assert [line for line in page.splitlines() if line.startswith("## ")] == ["## Title A", "## Title B"]


def test_numbers_are_formatted_for_people() -> None:
    """Numbers have three significant digits and grouped thousands."""
    assert [number(value) for value in (0.79951, 12.345, 4321.6, 20000.0)] == ["0.8", "12.3", "4,322", "20,000"]


def test_benchmarks_have_different_names() -> None:
    """Names are the keys of results, so they must be unique."""
    names = [each.name for each in SUITE]
    assert names
    assert len(set(names)) == len(names)
