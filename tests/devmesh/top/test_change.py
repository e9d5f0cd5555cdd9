"""Rates and percentiles between two snapshots."""

import json
from pathlib import Path

import httpx
import pytest

from devmesh.errors import MeshError
from devmesh.top.change import Change, quantile_of
from devmesh.top.scrape import Sample, Snapshot, Target, read_targets, scrape
from devmesh.top.tables import tables_of

INFINITE = float("inf")


def snapshot(at: float, **samples: list[tuple[str, dict[str, str], float]]) -> Snapshot:
    """Return a snapshot of two parts that answer."""
    made = {name: [Sample(*each) for each in values] for name, values in samples.items()}
    return Snapshot(at, made, {"feed-serve": True, "feed-work": True})


def test_rates_add_up_and_survive_a_restart() -> None:
    """Counters of several processes add up, and one that is lower than before began at 0."""
    before = snapshot(0, calls_total=[("feed-serve", {"m": "a"}, 10), ("feed-work", {"m": "a"}, 100)])
    after = snapshot(
        2, calls_total=[("feed-serve", {"m": "a"}, 30), ("feed-work", {"m": "a"}, 4), ("feed-serve", {"m": "b"}, 2)]
    )
    change = Change(before, after)
    assert change.rates("calls_total", "m") == {("a",): 12, ("b",): 1}
    assert change.rates("calls_total", "part") == {("feed-serve",): 11, ("feed-work",): 2}
    assert change.rates("calls_total", only=lambda sample: sample.labels["m"] == "b") == {(): 1}
    assert change.rates("no_such_total", "m") == {}
    assert change.latest("calls_total", "m") == {("a",): 30, ("b",): 2}


@pytest.mark.parametrize(
    ("buckets", "quantile", "expected"),
    [
        ({0.1: 0, 0.5: 10, INFINITE: 10}, 0.5, 0.3),
        ({0.1: 10, 0.5: 10, INFINITE: 10}, 0.5, 0.05),
        ({0.1: 0, 0.5: 0, INFINITE: 10}, 0.99, 0.5),
        ({0.1: 90, 0.5: 100, INFINITE: 100}, 0.99, 0.46),
        ({0.1: 0, INFINITE: 0}, 0.99, None),
        ({}, 0.99, None),
    ],
)
def test_a_quantile_is_interpolated_as_prometheus_does(
    buckets: dict[float, float], quantile: float, expected: float | None
) -> None:
    """It lies within its bucket; above the highest bound it is that bound, and without a value there is none."""
    found = quantile_of(buckets, quantile)
    assert found == (None if expected is None else pytest.approx(expected))


def test_quantiles_are_of_what_happened_meanwhile() -> None:
    """What a histogram counted before the first snapshot does not matter."""

    def buckets(*counts: float) -> list[tuple[str, dict[str, str], float]]:
        return [
            ("feed-serve", {"le": bound}, count) for bound, count in zip(("0.1", "1.0", "+Inf"), counts, strict=True)
        ]

    change = Change(
        snapshot(0, t_bucket=buckets(1_000, 1_000, 1_000)), snapshot(1, t_bucket=buckets(1_000, 1_010, 1_010))
    )
    assert change.quantiles("t", 0.5) == {(): pytest.approx(0.55)}


def test_figures_without_any_metrics() -> None:
    """Parts are listed even if they have recorded nothing, and other tables are left out."""
    [parts] = tables_of(Change(snapshot(0), Snapshot(1, {}, {"feed-serve": True, "feed-work": False})))
    assert [row[:2] for row in parts.rows] == [("feed-serve", "up"), ("feed-work", "no answer")]
    assert parts.alarms == {1}


def test_targets_are_read_as_prometheus_reads_them(tmp_path: Path) -> None:
    """A group may have several targets and need not have a label; anything else is an error in one sentence."""
    file = tmp_path / "targets.json"
    file.write_text(json.dumps([{"targets": ["a:1", "b:1"]}, {"targets": ["c:1"], "labels": {"part": "feed-work"}}]))
    assert read_targets(file) == [Target("a:1", "a:1"), Target("b:1", "b:1"), Target("feed-work", "c:1")]
    file.write_text("{}")
    assert read_targets(file) == []
    for text in ("[1]", "not JSON", "[{}]"):
        file.write_text(text)
        with pytest.raises(MeshError, match="is not a list of targets"):
            read_targets(file)
    with pytest.raises(MeshError, match="cannot read"):
        read_targets(tmp_path / "missing.json")


async def test_a_part_that_does_not_answer_has_no_samples() -> None:
    """Neither a refused connection nor an error ends the view of the other parts."""

    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.port == 2:
            raise httpx.ConnectError("refused")
        return httpx.Response(200 if request.url.port == 1 else 500, text="# TYPE up gauge\nup 1\n")

    async with httpx.AsyncClient(transport=httpx.MockTransport(answer)) as http:
        found = await scrape(http, [Target(f"p{number}", f"127.0.0.1:{number}") for number in (1, 2, 3)])
    assert found.parts == {"p1": True, "p2": False, "p3": False}
    assert [sample.part for sample in found.samples["up"]] == ["p1"]
