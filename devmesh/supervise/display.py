"""Terminal output of `lensfeed dev`: a live table while parts start, or plain lines without a terminal."""

import contextlib
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rich.console import Console, Group
from rich.live import Live
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from devmesh.layout import Layout
from devmesh.supervise.part import Part
from devmesh.supervise.reporter import State


@dataclass
class _Row:
    part: Part
    state: State
    since: float
    took: float = 0.0


class Display:
    """Shows the states that a supervisor reports, line by line.

    Errors and the shutdown go to standard error. On standard output `ready` is the last line before a command's own.
    """

    def __init__(self) -> None:
        self._console = Console(highlight=False)
        self._errors = Console(highlight=False, stderr=True)
        self._rows: dict[str, _Row] = {}
        self._live: Live | None = None

    @contextlib.contextmanager
    def starting(self, parts: Sequence[Part]) -> Iterator[None]:
        """Show the parts while they start, on a terminal."""
        self._rows = {part.name: _Row(part, State.STOPPED, time.monotonic()) for part in parts}
        if not self._console.is_terminal:
            yield
            return
        with Live(get_renderable=self._progress, console=self._console, transient=True, refresh_per_second=8) as live:
            self._live = live
            try:
                yield
            finally:
                self._live = None

    def status(self, part: Part, state: State) -> None:
        """Show the new state of a part."""
        row = self._rows.setdefault(part.name, _Row(part, state, time.monotonic()))
        row.state = state
        if state is State.STARTING:
            row.since = time.monotonic()
        elif state is State.READY:
            row.took = time.monotonic() - row.since
            if self._live is None:
                self.say(f"{part.name} is ready on {part.address} after {row.took:.1f} s")

    def died(self, part: Part, why: str, log_tail: str, restart_seconds: float) -> None:
        """Show why a part exited and the end of its log."""
        self.warn(f"{why}; restarting in {restart_seconds:g} s. Last lines of its log {part.command.log}:", "yellow")
        for line in log_tail.splitlines():
            self.warn(f"    {Text.from_ansi(line).plain}", "dim")

    def note(self, text: str) -> None:
        """Show a note."""
        self.warn(f"note: {text}", "yellow")

    def waiting(self, names: Sequence[str]) -> None:
        """Show which parts are not ready, unless the live table does."""
        if self._live is None:
            self.warn(f"waiting for {', '.join(names)}")

    def stopping(self) -> None:
        """Show that the mesh is stopping."""
        self.warn("stopping")

    def ready(self, layout: Layout) -> None:
        """Show the address of each part and, as the last line, that the mesh is ready."""
        wide = max(len(name) for name in self._rows)
        for name, row in self._rows.items():
            metrics = f"  metrics {row.part.metrics}" if row.part.metrics else ""
            self.say(f"  {name:<{wide}}  {row.part.address}{metrics}")
        self.say(f"  {'data':<{wide}}  {layout.data}")
        self.say(f"  {'logs':<{wide}}  {layout.log('*')}")
        self.say(f"ready {layout.url}", "bold green")

    def say(self, line: str, style: str = "") -> None:
        """Print a line without wrapping."""
        self._console.print(Text(line, style), soft_wrap=True)
        self._console.file.flush()

    def warn(self, line: str, style: str = "") -> None:
        """Print a line on standard error."""
        self._errors.print(Text(line, style), soft_wrap=True)

    def _progress(self) -> Group:
        table = Table.grid(padding=(0, 2))
        for name, row in self._rows.items():
            table.add_row(_mark(row.state), name, Text(row.part.address, "dim"), _duration(row))
        return Group(table)


def _mark(state: State) -> Spinner | Text:
    if state is State.READY:
        return Text("✓", "green")
    return Spinner("dots") if state is State.STARTING else Text("·", "dim")


def _duration(row: _Row) -> Text:
    if row.state is State.READY:
        return Text(f"{row.took:.1f} s", "green")
    return Text(f"{time.monotonic() - row.since:.1f} s" if row.state is State.STARTING else "", "dim")
