"""`follow` and `unfollow`."""

from typing import Annotated

import typer

from lensfeed_client.commands.options import PANEL, AsJson, Command, Url

app = typer.Typer()

Users = Annotated[list[str], typer.Argument(metavar="USER", help="Handles, with or without @, or ids.")]


@app.command(cls=Command, rich_help_panel=PANEL)
def follow(users: Users, url: Url = None, as_json: AsJson = False) -> None:
    """Follow people: their posts come into your feed. Following twice is no error."""
    from rich.text import Text

    from lensfeed_client.commands.cards import name_of
    from lensfeed_client.commands.output import Output
    from lensfeed_client.commands.people import find_user
    from lensfeed_client.commands.talking import talking

    out = Output(as_json=as_json)
    with talking(url, out) as (mesh, _):
        for word in users:
            user = find_user(mesh, word)
            mesh.follow(user.user_id)
            out.result(user, Text("You follow ") + name_of(user))


@app.command(cls=Command, rich_help_panel=PANEL)
def unfollow(users: Users, url: Url = None, as_json: AsJson = False) -> None:
    """Follow people no longer."""
    from rich.text import Text

    from lensfeed_client.commands.cards import name_of
    from lensfeed_client.commands.output import Output
    from lensfeed_client.commands.people import find_user
    from lensfeed_client.commands.talking import talking

    out = Output(as_json=as_json)
    with talking(url, out) as (mesh, _):
        for word in users:
            user = find_user(mesh, word)
            mesh.unfollow(user.user_id)
            out.result(user, Text("You no longer follow ") + name_of(user))
