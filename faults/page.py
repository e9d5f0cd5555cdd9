"""Puts the tables into docs/reliability.md, with date and machine."""

import datetime as dt
import os
import platform
from pathlib import Path

from faults.session import Session

PAGE = Path(__file__).parent.parent / "docs" / "reliability.md"
BEGIN, END = "<!-- results: written by `python -m faults --page` -->", "<!-- end of results -->"


def write(tables: str, session: Session) -> None:
    """Replace what is between the two marks of the page."""
    before, _, rest = PAGE.read_text().partition(BEGIN)
    _, _, after = rest.partition(END)
    PAGE.write_text(f"{before}{BEGIN}\n\n{_facts(session)}\n\n{tables}\n\n{END}{after}")


def _facts(session: Session) -> str:
    day = dt.datetime.now(dt.UTC).strftime("%Y-%m-%d")
    machine = f"{os.cpu_count()} cores of {platform.machine()}, Linux, Python {platform.python_version()}"
    size = session.size
    load = f"{size.people} people, {size.writes_a_second:g} changes and {size.reads_a_second:g} reads a second"
    return f"{day}, {machine}; {session.store}, seed {session.seed}, {load}{'; quick' if session.is_quick else ''}."
