"""Implements `lensfeed logs`: the logs of a mesh on this machine, merged by time."""

import os
import re
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from enum import Enum
from pathlib import Path
from typing import Annotated

import typer

from devmesh.folders import STORES, default_folder

POLL_SECONDS = 0.2
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


class Level(Enum):
    """The lowest level to show."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"
    CRITICAL = "critical"


def logs(
    services: Annotated[
        list[str] | None,
        typer.Argument(metavar="SERVICE", help="Parts such as post-serve, feed-work or edge.", show_default="all"),
    ] = None,
    level: Annotated[
        Level, typer.Option(help="The lowest level. Lines whose level is unknown are always shown.")
    ] = Level.DEBUG,
    since: Annotated[
        str | None, typer.Option(metavar="TIME", help="How far to go back, such as 30s, 10m, 2h or 1d.")
    ] = None,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Continue with new lines until Ctrl-C.")] = False,
    grep: Annotated[
        str | None, typer.Option(metavar="TEXT", help="Only what contains this text, such as a request id.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object per record.")] = False,
    data: Annotated[
        Path | None, typer.Option(help="The folder of the mesh.", show_default="in the user's data folder")
    ] = None,
) -> None:
    """Show the logs of a mesh of `dev`, running or stopped, merged by time.

    Times are in UTC. Without a terminal, or with NO_COLOR, the output is plain text.
    """
    earliest = _earliest(since)
    from rich.console import Console

    from devmesh.errors import MeshError
    from devmesh.logs.files import LogFolder
    from devmesh.logs.record import EARLIEST, LEVELS, Record
    from devmesh.logs.show import show, show_json

    console = Console(highlight=False, color_system=None if os.environ.get("NO_COLOR") else "auto")
    hidden = LEVELS[: LEVELS.index(level.value)]

    def is_wanted(record: Record) -> bool:
        return (
            record.level not in hidden
            and record.time >= (earliest or EARLIEST)
            and (grep is None or grep in record.text)
        )

    def print_new(folder: LogFolder) -> None:
        for service, record in folder.read_new():
            if is_wanted(record):
                show_json(service, record) if as_json else show(console, service, record)
        sys.stdout.flush()

    try:
        found = LogFolder(_find_logs(data), services or ())
        _repeat(lambda: print_new(found), is_endless=follow)
    except MeshError as error:
        typer.echo(f"lensfeed: {error}", err=True)
        raise typer.Exit(1) from None
    except KeyboardInterrupt:
        raise typer.Exit(0) from None


def _repeat(step: Callable[[], None], *, is_endless: bool) -> None:
    step()
    while is_endless:
        time.sleep(POLL_SECONDS)
        step()


def _earliest(since: str | None) -> datetime | None:
    if since is None:
        return None
    found = re.fullmatch(r"(\d{1,6})([smhd])", since)
    if not found:
        raise typer.BadParameter(f"{since!r} is not a time such as 30s, 10m, 2h or 1d", param_hint="--since")
    return datetime.now(UTC) - timedelta(**{_UNITS[found[2]]: int(found[1])})


def _find_logs(data: Path | None) -> Path:
    """Return the logs of the given folder, or of the mesh that runs, or of the one that ran last."""
    from devmesh.errors import MeshError
    from devmesh.supervise.lock import is_locked

    folders = [data.expanduser().absolute()] if data else [default_folder(store) for store in STORES]
    found = [folder for folder in folders if (folder / "logs").is_dir()]
    if not found:
        raise MeshError(f"no logs in {' or '.join(map(str, folders))}; give the folder of a mesh with --data")
    return max(found, key=lambda folder: (is_locked(folder), _last_write(folder / "logs"))) / "logs"


def _last_write(logs: Path) -> float:
    return max((path.stat().st_mtime for path in logs.glob("*.log")), default=0.0)
