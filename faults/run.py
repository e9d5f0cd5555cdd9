"""Runs promises with their controls and prints the tables."""

import asyncio
import time
import traceback
from collections.abc import Sequence

from docs.generate.table import table
from faults.page import write
from faults.promise import Findings, Promise, Run
from faults.session import Session
from faults.table import CONTROLS, PROMISES, control_row, promise_row


async def run_all(session: Session, promises: Sequence[Promise], *, write_page: bool) -> bool:
    """Run promises and controls. Returns whether all promises are held and all controls are broken."""
    rows, control_rows, is_well = list[Sequence[str]](), list[Sequence[str]](), True
    for promise in promises:
        print(f"{promise.number}. {promise.text}", flush=True)
        findings = await _run(session, promise.run)
        is_well &= findings.is_held
        rows.append(promise_row(promise, findings))
        print(f"{promise.number}. without {' / without '.join(each.without for each in promise.controls)}", flush=True)
        # At once: they mostly wait for what does not come.
        all_found = await asyncio.gather(*(_run(session, control.run) for control in promise.controls))
        for control, found in zip(promise.controls, all_found, strict=True):
            is_well &= found.is_broken
            control_rows.append(control_row(promise, control, found))
    controls = f"Controls: the same without what the promise rests on.\n\n{table(CONTROLS, control_rows).rstrip()}"
    tables = f"{table(PROMISES, rows)}\n{controls}"
    print(f"\n{tables}")
    if write_page:
        write(tables, session)
    return is_well


async def _run(session: Session, run: Run) -> Findings:
    """Run, and say how long it took. A run that fails found nothing: as a promise it is broken, as a control it is not."""
    start = time.monotonic()
    try:
        return await run(session)
    except Exception:  # noqa: BLE001 - the other promises are run all the same
        traceback.print_exc()
        return Findings(0, ())
    finally:
        print(f"  took {time.monotonic() - start:.0f} s", flush=True)
