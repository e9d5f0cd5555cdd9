"""Runs benchmarks and stores their results."""

import json
import sys
import time
import tomllib
import traceback
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench import machine
from bench.figures import Figure, Sample
from bench.report import below_goal, number, render

FOLDER = Path(__file__).parent
RESULTS = FOLDER / "results" / "latest.json"
NOTES = FOLDER / "notes.toml"
PAGE = FOLDER.parent / "docs" / "benchmarks.md"


@dataclass(frozen=True, slots=True)
class Run:
    """Options of a run. `is_quick` means less data and shorter samples."""

    pairs: int = 5
    is_quick: bool = False

    def size(self, whole: int, quick: int) -> int:
        """Return `quick` in a quick run, else `whole`."""
        return quick if self.is_quick else whole

    def say(self, text: str) -> None:
        """Print progress."""
        print(f"  {text}", file=sys.stderr, flush=True)

    async def in_turn(self, *members: Callable[[], Awaitable[float]]) -> list[Sample]:
        """Take samples of the members in turn, after a warm-up round."""

        async def one_round() -> Sample:
            return tuple([await member() for member in members])

        return await self.rounds(one_round)

    async def rounds(self, one_round: Callable[[], Awaitable[Sample]]) -> list[Sample]:
        """Take one sample per round, after a warm-up round."""
        taken: list[Sample] = []
        for turn in range(self.pairs + 1):
            taken.append(await one_round())
            shown = " against ".join(number(value) for value in taken[-1])
            self.say(f"{'warm-up' if turn == 0 else f'{turn}/{self.pairs}'}: {shown}")
        return taken[1:]


@dataclass(frozen=True, slots=True)
class Measurement:
    """A benchmark: its name on the command line, its title on the page and its function."""

    name: str
    title: str
    measure: Callable[[Run], Awaitable[Sequence[Figure]]]


async def run_suite(chosen: Sequence[Measurement], every: Sequence[Measurement], run: Run) -> list[str]:
    """Run the chosen benchmarks and save each result at once. Returns the names of those that failed."""
    failed = []
    for place, each in enumerate(chosen, 1):
        print(f"[{place}/{len(chosen)}] {each.name}: {each.title}", file=sys.stderr, flush=True)
        try:
            await _measure(each, run)
        except Exception:  # noqa: BLE001 - the next benchmark does not depend on it
            traceback.print_exc()
            failed.append(each.name)
        write_page(every)
    return failed


async def _measure(each: Measurement, run: Run) -> None:
    start = time.perf_counter()
    facts = machine.facts(is_quick=run.is_quick)
    figures = await each.measure(run)
    facts |= {"pairs": run.pairs, "load_at_end": machine.load(), "seconds": round(time.perf_counter() - start)}
    keep(each.name, facts, figures)
    for figure in figures:
        print(_line(figure), flush=True)


def keep(name: str, facts: Mapping[str, Any], figures: Sequence[Figure]) -> None:
    """Save the results of one benchmark. Others are unchanged."""
    results = read_results()
    measured = results.setdefault("measurements", {})
    measured[name] = {"taken": dict(facts), "figures": [figure.to_json() for figure in figures]}
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(results, indent=1) + "\n")


def read_results() -> dict[str, Any]:
    """Read all saved results."""
    found: dict[str, Any] = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    return found


def write_page(every: Sequence[Measurement]) -> None:
    """Write docs/benchmarks.md from results and notes."""
    notes = tomllib.loads(NOTES.read_text()) if NOTES.exists() else {}
    PAGE.write_text(render(read_results(), notes, {each.name: each.title for each in every}))


def _line(figure: Figure) -> str:
    goal = f", goal {figure.goal}" if figure.goal else ""
    unit = "" if figure.theirs else f" {figure.unit}"
    spread = f"{number(min(figure.values))} - {number(max(figure.values))}"
    missed = " BELOW ITS GOAL" if below_goal([figure]) else ""
    return f"  {figure.name}: {number(figure.median)}{unit} ({spread}{goal}){missed}"
