"""Taking samples and saving results."""

import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from bench import harness
from bench.figures import Figure
from bench.harness import Measurement, Run, run_suite


@pytest.fixture(autouse=True)
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Write results and page to the test's folder."""
    monkeypatch.setattr(harness, "RESULTS", tmp_path / "results" / "latest.json")
    monkeypatch.setattr(harness, "PAGE", tmp_path / "benchmarks.md")
    return tmp_path


def measurement(name: str, value: float) -> Measurement:
    """Create a benchmark with a known result."""

    async def measure(_run: Run) -> Sequence[Figure]:
        return [Figure(name, f"What {name} is", "ms", [(value,)])]

    return Measurement(name, f"Title of {name}", measure)


async def broken(_run: Run) -> Sequence[Figure]:
    """Fail."""
    raise RuntimeError("a server did not start")


async def test_members_are_measured_in_turn_after_a_warm_up() -> None:
    """Members take turns, and the first round is not counted."""
    order: list[str] = []

    async def member(name: str) -> float:
        order.append(name)
        return float(len(order))

    samples = await Run(pairs=2).in_turn(lambda: member("ours"), lambda: member("theirs"))
    assert order == ["ours", "theirs"] * 3
    assert samples == [(3.0, 4.0), (5.0, 6.0)]


async def test_running_one_benchmark_keeps_the_other_results(places: Path) -> None:
    """Running one benchmark again keeps the results of the others."""
    both = [measurement("first", 1), measurement("second", 2)]
    assert await run_suite(both, both, Run()) == []
    assert await run_suite([measurement("second", 3)], both, Run()) == []
    measured = json.loads((places / "results" / "latest.json").read_text())["measurements"]
    assert {name: each["figures"][0]["median"] for name, each in measured.items()} == {"first": 1.0, "second": 3.0}
    page = (places / "benchmarks.md").read_text()
    assert page.index("## Title of first") < page.index("## Title of second")
    assert "| What second is | 3 ms |" in page


async def test_a_failed_benchmark_does_not_stop_the_others(places: Path) -> None:
    """A failed benchmark is reported and the others still run."""
    suite = [Measurement("broken", "Broken", broken), measurement("second", 2)]
    assert await run_suite(suite, suite, Run()) == ["broken"]
    assert list(json.loads((places / "results" / "latest.json").read_text())["measurements"]) == ["second"]


async def test_results_include_facts_about_the_machine(places: Path) -> None:
    """Results include machine, load and commit."""
    await run_suite([measurement("first", 1)], [], Run(pairs=3, is_quick=True))
    taken = json.loads((places / "results" / "latest.json").read_text())["measurements"]["first"]["taken"]
    assert taken["cores"] >= 1
    assert taken["pairs"] == 3
    assert taken["is_quick"]
    assert {"date", "commit", "processor", "versions", "load_at_start", "load_at_end"} <= taken.keys()
    assert "Python" in taken["versions"]
