"""Implements `lensfeed top`: shows what a running mesh does, from the metrics of its processes."""

import asyncio
import sys
from collections.abc import Sequence
from pathlib import Path

import httpx
from rich.console import Console
from rich.live import Live

from devmesh.errors import MeshError
from devmesh.folders import STORES, default_folder
from devmesh.layout import TARGETS
from devmesh.supervise.lock import is_locked
from devmesh.top.change import Change
from devmesh.top.scrape import Snapshot, Target, read_targets, scrape
from devmesh.top.screen import draw, fitted
from devmesh.top.tables import tables_of

# Wide enough for every table where no terminal says how wide it is.
PLAIN_WIDTH = 140


def top(data: Path | None, targets: Path | None, every: float, *, once: bool) -> int:
    """Show figures until Ctrl-C, or once. Returns the exit code. Errors are one sentence on standard error."""
    console = Console(highlight=False)
    if not console.is_terminal:
        console = Console(highlight=False, width=PLAIN_WIDTH)
    try:
        found = read_targets(targets or find_targets(data))
        asyncio.run(_show(console, found, every, is_live=console.is_terminal and not once))
    except MeshError as error:
        print(f"lensfeed: {error}", file=sys.stderr)  # noqa: T201 - output of a command
        return 1
    except KeyboardInterrupt:
        return 0
    return 0


def find_targets(data: Path | None) -> Path:
    """Return the list of targets of the mesh that runs on a folder. Raises MeshError if none runs."""
    folders = [data.expanduser().absolute()] if data else [default_folder(store) for store in STORES]
    for folder in folders:
        if is_locked(folder) and (folder / TARGETS).exists():
            return folder / TARGETS
    where = " or ".join(map(str, folders))
    raise MeshError(f"no mesh is running on {where}; give its folder with --data or a list of targets with --targets")


async def _show(console: Console, targets: Sequence[Target], every: float, *, is_live: bool) -> None:
    async with httpx.AsyncClient() as http:
        before = await _first(http, targets)
        await asyncio.sleep(every)
        after = await scrape(http, targets)
        if not is_live:
            console.print(draw(tables_of(Change(before, after)), after.at - before.at))
            return
        with Live(console=console, screen=True, auto_refresh=False) as live:
            while True:
                tables = fitted(tables_of(Change(before, after)), console.height)
                live.update(draw(tables, after.at - before.at, is_dense=True), refresh=True)
                await asyncio.sleep(every)
                before, after = after, await scrape(http, targets)


async def _first(http: httpx.AsyncClient, targets: Sequence[Target]) -> Snapshot:
    """Return a first snapshot. Raises MeshError if no process answers."""
    found = await scrape(http, targets)
    if not any(found.parts.values()):
        raise MeshError(f"no process answers at {', '.join(target.address for target in targets)}")
    return found
