"""`lensfeed events`: the commands and their options. What they do is in `dead_letters.py`."""

import re
from pathlib import Path
from typing import Annotated

import typer

from devmesh.commands.dead_letter_selection import STREAMS, Selection

app = typer.Typer(no_args_is_help=True, help="Events that were given up: look at them, put them back.")

Redis = Annotated[
    str | None,
    typer.Option(
        "--redis",
        metavar="URL",
        envvar="LENSFEED_REDIS_URL",
        help="The Redis.",
        show_default="that of the running mesh",
    ),
]
Data = Annotated[
    Path | None, typer.Option(help="The folder of the running mesh.", show_default="in the user's data folder")
]
Stream = Annotated[str | None, typer.Option(metavar="NAME", help="One stream: post, follow, media, user or fan_out.")]
Ids = Annotated[list[str] | None, typer.Argument(metavar="ID", help="Dead letters, as `events dead` lists them.")]
All = Annotated[bool, typer.Option("--all", help="All of them.")]


@app.command()
def dead(
    stream: Stream = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line, with the whole event.")] = False,
    limit: Annotated[int, typer.Option(min=1, help="How many to list; the oldest of each stream come first.")] = 100,
    redis: Redis = None,
    data: Data = None,
) -> None:
    """List events that consumers gave up, with the reason."""
    streams = _streams(stream)
    from devmesh.commands.dead_letters import list_dead, run

    raise typer.Exit(run(redis, data, lambda client: list_dead(client, streams, limit, as_json=as_json)))


@app.command()
def replay(ids: Ids = None, every: All = False, stream: Stream = None, redis: Redis = None, data: Data = None) -> None:
    """Put events back into their streams, and drop their dead letters. Nothing is harmed by an event that comes twice."""
    selection = _selection(ids, every, stream)
    from devmesh.commands.dead_letters import REPLAY, act_on, run

    raise typer.Exit(run(redis, data, lambda client: act_on(client, selection, REPLAY)))


@app.command()
def drop(ids: Ids = None, every: All = False, stream: Stream = None, redis: Redis = None, data: Data = None) -> None:
    """Drop dead letters for good: what they tell of does not happen."""
    selection = _selection(ids, every, stream)
    from devmesh.commands.dead_letters import DROP, act_on, run

    raise typer.Exit(run(redis, data, lambda client: act_on(client, selection, DROP)))


def _selection(ids: list[str] | None, every: bool, stream: str | None) -> Selection:
    if bool(ids) == every:
        raise typer.BadParameter("name some IDs, or --all")
    for each in ids or ():
        if not re.fullmatch(r"\d{1,20}-\d{1,20}", each):
            raise typer.BadParameter(f"{each!r} is no ID; one is like 1735689600000-0 (see `lensfeed events dead`)")
    return Selection(_streams(stream), tuple(dict.fromkeys(ids)) if ids else None)


def _streams(name: str | None) -> tuple[str, ...]:
    if name is not None and name not in STREAMS:
        raise typer.BadParameter(f"there is no stream {name!r}; there are {', '.join(STREAMS)}")
    return STREAMS if name is None else (name,)
