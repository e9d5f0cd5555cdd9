"""The command line of `lensfeed events`. `dead_letters.py` implements it."""

import re
from pathlib import Path
from typing import Annotated

import typer

from devmesh.commands.dead_letter_selection import STREAMS, Selection

app = typer.Typer(no_args_is_help=True, help="Dead letters, and outboxes that were closed too early.")

Redis = Annotated[
    str | None,
    typer.Option(
        "--redis",
        metavar="URL",
        envvar="LENSFEED_REDIS_URL",
        help="The URL of the Redis.",
        show_default="that of the running mesh",
    ),
]
Data = Annotated[
    Path | None, typer.Option(help="The folder of the running mesh.", show_default="in the user's data folder")
]
Stream = Annotated[str | None, typer.Option(metavar="NAME", help="One stream: post, follow, media, user or fan_out.")]
Ids = Annotated[list[str] | None, typer.Argument(metavar="ID", help="IDs of dead letters, as listed by `events dead`.")]
All = Annotated[bool, typer.Option("--all", help="All dead letters.")]


@app.command()
def dead(
    stream: Stream = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object per line, with the whole event.")
    ] = False,
    limit: Annotated[
        int, typer.Option(min=1, help="The maximum number to list; the oldest of each stream come first.")
    ] = 100,
    redis: Redis = None,
    data: Data = None,
) -> None:
    """List events that consumers gave up on, with the reason."""
    streams = _streams(stream)
    from devmesh.commands.dead_letters import list_dead, run

    raise typer.Exit(run(redis, data, lambda client: list_dead(client, streams, limit, as_json=as_json)))


@app.command()
def replay(ids: Ids = None, every: All = False, stream: Stream = None, redis: Redis = None, data: Data = None) -> None:
    """Put events back into their streams and delete their dead letters. Duplicate events are harmless."""
    selection = _selection(ids, every, stream)
    from devmesh.commands.dead_letters import REPLAY, act_on, run

    raise typer.Exit(run(redis, data, lambda client: act_on(client, selection, REPLAY)))


@app.command()
def drop(ids: Ids = None, every: All = False, stream: Stream = None, redis: Redis = None, data: Data = None) -> None:
    """Delete dead letters. Their events are never handled."""
    selection = _selection(ids, every, stream)
    from devmesh.commands.dead_letters import DROP, act_on, run

    raise typer.Exit(run(redis, data, lambda client: act_on(client, selection, DROP)))


@app.command()
def reopen(
    stream: Annotated[str | None, typer.Argument(metavar="STREAM", help="post, follow, media or user.")] = None,
    minutes: Annotated[int, typer.Option(min=1, max=1_440, help="How far to go back from now.")] = 60,
    redis: Redis = None,
    data: Data = None,
) -> None:
    """Let the sweepers look at the last minutes of an outbox again, after a wrong clock closed too many of them."""
    from devmesh.commands.dead_letters import run
    from devmesh.commands.reopen_outbox import request_reopening

    streams = [name for name in _streams(stream) if name != "fan_out"]
    raise typer.Exit(run(redis, data, lambda client: request_reopening(client, streams, minutes)))


def _selection(ids: list[str] | None, every: bool, stream: str | None) -> Selection:
    if bool(ids) == every:
        raise typer.BadParameter("give some IDs or --all, not both")
    for each in ids or ():
        if not re.fullmatch(r"\d{1,20}-\d{1,20}", each):
            raise typer.BadParameter(f"{each!r} is not an ID such as 1735689600000-0 (see `lensfeed events dead`)")
    return Selection(_streams(stream), tuple(dict.fromkeys(ids)) if ids else None)


def _streams(name: str | None) -> tuple[str, ...]:
    if name is not None and name not in STREAMS:
        raise typer.BadParameter(f"unknown stream {name!r}; choose from {', '.join(STREAMS)}")
    return STREAMS if name is None else (name,)
