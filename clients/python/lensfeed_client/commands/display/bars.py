"""Progress display for people at a terminal. Pipes and programs see nothing."""

import contextlib
from collections.abc import Callable, Iterator

from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

from lensfeed_client.commands.display.output import Output
from lensfeed_client.commands.display.visible import visible

Report = Callable[[int, int], None]
"""Receives the bytes sent and the total. May be called from any thread."""


@contextlib.contextmanager
def upload_bar(out: Output, name: str) -> Iterator[Report]:
    """Show an upload's progress until the block ends."""
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    silent = out.as_json or not out.notes.is_terminal
    with Progress(*columns, TimeRemainingColumn(), console=out.notes, disable=silent) as progress:
        task = progress.add_task(visible(name), total=None)
        yield lambda sent, total: progress.update(task, completed=sent, total=total)


@contextlib.contextmanager
def waiting(out: Output, what: str) -> Iterator[None]:
    """Show that something takes time until the block ends."""
    if out.as_json or not out.notes.is_terminal:
        yield
    else:
        with out.notes.status(what):
            yield
