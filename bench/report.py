"""The page of figures, made of the results. Pure."""

from collections.abc import Mapping, Sequence
from typing import Any

from bench.figures import Figure, rounded

_HEAD = """# Figures

<!-- Made by `make bench` of bench/results/latest.json and bench/notes.toml. Do not edit. -->

A figure that is held against something is a ratio of samples taken in turn in one run, on the same cores, so that what else
the machine does falls on both. It is the median of its pairs, with the lowest and the highest. These are figures of one machine
in one hour: `make bench` takes them anew (some ten minutes; keep the machine quiet), and `python -m bench --help` lists what can
be measured alone.
"""
_COLUMNS = ("figure", "median", "spread", "goal", "met", "ours", "held against")
_MET = {True: "yes", False: "**no**", None: ""}


def render(results: Mapping[str, Any], notes: Mapping[str, Any], titles: Mapping[str, str]) -> str:
    """Return the page of results. `titles` names the measurements in their order; `notes` has reasons by a figure's name.

    Results of measurements that are not in `titles` any more are left out.
    """
    measured = results.get("measurements", {})
    known = [name for name in titles if name in measured]
    parts = [_HEAD, *(_measurement(titles[name], measured[name], notes) for name in known)]
    return "\n".join(parts)


def below_goal(figures: Sequence[Figure]) -> list[Figure]:
    """Return the figures that are not where they should be."""
    return [figure for figure in figures if figure.is_met is False]


def _measurement(title: str, measured: Mapping[str, Any], notes: Mapping[str, Any]) -> str:
    figures = [Figure.from_json(each) for each in measured["figures"]]
    lines = [f"## {title}", "", _taken(measured["taken"]), "", _row(_COLUMNS), _row(["---"] * len(_COLUMNS))]
    lines += [_row(_cells(figure)) for figure in figures]
    lines += [line for figure in figures for line in _told(figure, notes)]
    return "\n".join([*lines, ""])


def _taken(taken: Mapping[str, Any]) -> str:
    versions = ", ".join(f"{name} {version}" for name, version in taken["versions"].items())
    load = f"load {taken['load_at_start']:g} at the start and {taken['load_at_end']:g} at the end"
    changed = " with changes" if taken["is_changed"] else ""
    quick = "; quick: shorter samples in a smaller world" if taken["is_quick"] else ""
    return (
        f"{taken['date']}, commit {taken['commit']}{changed}; {taken['cores']} cores of {taken['processor']}; {versions}; "
        f"{load}{quick}."
    )


def _cells(figure: Figure) -> list[str]:
    values = figure.values
    unit = "" if figure.theirs else f" {figure.unit}"
    members = [
        f"{label}: {number(each)} {figure.unit}" for label, each in zip(_labels(figure), figure.medians(), strict=False)
    ]
    spread = f"{number(min(values))} - {number(max(values))}, {len(values)} samples"
    if len(values) == 1:
        spread = "1 sample"
    goal = str(figure.goal) if figure.goal else ""
    return [figure.what, f"{number(figure.median)}{unit}", spread, goal, _MET[figure.is_met], *_padded(members)]


def _labels(figure: Figure) -> list[str]:
    return [figure.ours, figure.theirs] if figure.theirs else []


def _padded(members: list[str]) -> list[str]:
    return [*members, "", ""][:2]


def _told(figure: Figure, notes: Mapping[str, Any]) -> list[str]:
    """Return what people have noted of a figure; one below its goal without a note says so."""
    note = notes.get(figure.name, {}).get("note", "").strip()
    if note:
        return ["", f"*{figure.what}*: {note}"]
    if figure.is_met is False:
        return ["", f"*{figure.what}*: below its goal; nobody has noted why yet."]
    return []


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def number(value: float) -> str:
    """Return a number as people read it: no more digits than it is worth."""
    return f"{value:,.0f}" if abs(value) >= 1_000 else f"{rounded(float(f'{value:.3g}')):g}"  # noqa: PLR2004 - thousands are grouped
