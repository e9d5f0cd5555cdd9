"""How far an upload is, for who sits at a terminal; nothing for a pipe or a program."""

import contextlib
from collections.abc import Callable, Iterator

from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

from lensfeed_client.commands.output import Output
from lensfeed_client.commands.visible import visible

Tell = Callable[[int, int], None]
"""Told the bytes that are sent, and those of the whole file. May be called from any thread."""


@contextlib.contextmanager
def upload_bar(out: Output, name: str) -> Iterator[Tell]:
    """Show one upload until the block ends."""
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    silent = out.as_json or not out.notes.is_terminal
    with Progress(*columns, TimeRemainingColumn(), console=out.notes, disable=silent) as progress:
        task = progress.add_task(visible(name), total=None)
        yield lambda sent, total: progress.update(task, completed=sent, total=total)


@contextlib.contextmanager
def waiting(out: Output, what: str) -> Iterator[None]:
    """Show that something takes its time until the block ends."""
    if out.as_json or not out.notes.is_terminal:
        yield
    else:
        with out.notes.status(what):
            yield
