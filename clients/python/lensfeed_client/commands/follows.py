"""`follow` and `unfollow`."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated

import typer

from lensfeed_client.commands.options import PANEL, AsJson, Command, Url

if TYPE_CHECKING:
    from lensfeed_client import Lensfeed

app = typer.Typer()

Users = Annotated[list[str], typer.Argument(metavar="USER", help="Handles, with or without @, or ids.")]


@app.command(cls=Command, rich_help_panel=PANEL)
def follow(users: Users, url: Url = None, as_json: AsJson = False) -> None:
    """Follow people: their posts come into your feed. Following twice is no error."""
    _each(users, url, lambda mesh: mesh.follow, "You follow ", as_json=as_json)


@app.command(cls=Command, rich_help_panel=PANEL)
def unfollow(users: Users, url: Url = None, as_json: AsJson = False) -> None:
    """Follow people no longer."""
    _each(users, url, lambda mesh: mesh.unfollow, "You no longer follow ", as_json=as_json)


def _each(
    users: list[str],
    url: str | None,
    change: "Callable[[Lensfeed], Callable[[int], object]]",
    told: str,
    *,
    as_json: bool,
) -> None:
    from rich.text import Text

    from lensfeed_client.commands.cards import name_of
    from lensfeed_client.commands.output import Output
    from lensfeed_client.commands.people import find_user
    from lensfeed_client.commands.talking import talking

    out = Output(as_json=as_json)
    with talking(url, out) as (mesh, _):
        for word in users:
            user = find_user(mesh, word)
            change(mesh)(user.user_id)
            out.result(user, Text(told) + name_of(user))
