"""The rows of promises and of their controls."""

from collections.abc import Sequence

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
    if findings.is_broken:
        verdict = f"{BROKEN}, as it must be"
    else:
        verdict = "HELD: its promise's run proves nothing" if findings.is_held else "FAILED: it shows nothing"
    return str(promise.number), control.without, str(findings.runs), "; ".join(broken), verdict
