"""The tables of promises and of their controls, in Markdown."""

from collections.abc import Iterable, Sequence

from faults.promise import Control, Findings, Promise

PROMISES = ("#", "promise", "faults", "runs", "figures", "goals", "")
CONTROLS = ("#", "without", "runs", "figures", "")
HELD, BROKEN = "held", "BROKEN"


def promise_row(promise: Promise, findings: Findings) -> Sequence[str]:
    """Return the row of a promise."""
    return (
        str(promise.number),
        promise.text,
        promise.faults,
        str(findings.runs),
        "; ".join(each.text for each in findings.figures),
        "; ".join(each.goal for each in findings.figures),
        HELD if findings.is_held else BROKEN,
    )


def control_row(promise: Promise, control: Control, findings: Findings) -> Sequence[str]:
    """Return the row of a control. Only the figures that it broke are in it."""
    broken = [each.text for each in findings.figures if not each.is_held]
    verdict = "HELD: its promise's run proves nothing" if findings.is_held else f"{BROKEN}, as it must be"
    return str(promise.number), control.without, str(findings.runs), "; ".join(broken), verdict


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table with columns of even width."""
    lines = [head, *rows]
    widths = [max(len(line[column]) for line in lines) for column in range(len(head))]
    lines.insert(1, ["-" * width for width in widths])
    padded = (" | ".join(f"{cell:<{width}}" for cell, width in zip(line, widths, strict=True)) for line in lines)
    return "\n".join(f"| {line} |" for line in padded)
