"""`follow` and `unfollow`."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated

import typer

from lensfeed_client.commands.options import PANEL, AsJson, Command, Url

if TYPE_CHECKING:
    from lensfeed_client import Lensfeed

app = typer.Typer()

Users = Annotated[list[str], typer.Argument(metavar="USER", help="Handles (with or without @) or ids.")]


@app.command(cls=Command, rich_help_panel=PANEL)
def follow(users: Users, url: Url = None, as_json: AsJson = False) -> None:
    """Follow people, so that their posts appear in your feed. Private ones are asked first. Repeatable."""
    change_each(users, url, lambda mesh: mesh.follow, "You follow ", as_json=as_json)


@app.command(cls=Command, rich_help_panel=PANEL)
def unfollow(users: Users, url: Url = None, as_json: AsJson = False) -> None:
    """Stop following people, or asking for it. Repeatable."""
    change_each(users, url, lambda mesh: mesh.unfollow, "You no longer follow ", as_json=as_json)


def change_each(
    users: list[str],
    url: str | None,
    change: "Callable[[Lensfeed], Callable[[int], object]]",
    message: str,
    *,
    as_json: bool,
) -> None:
    """Look each user up, change something and say so. `message` stands before the user's name."""
    from lensfeed.follow.v1.follow_service_pb2 import FOLLOW_STATE_REQUESTED, Follow
    from rich.text import Text

    from lensfeed_client.commands.connection import connected
    from lensfeed_client.commands.display.cards import name_of
    from lensfeed_client.commands.display.output import Output
    from lensfeed_client.commands.find_user import find_user

    out = Output(as_json=as_json)
    with connected(url, out) as (mesh, _):
        for word in users:
            user = find_user(mesh, word)
            changed = change(mesh)(user.user_id)
            is_requested = isinstance(changed, Follow) and changed.state == FOLLOW_STATE_REQUESTED
            out.result(user, Text("You have asked to follow " if is_requested else message) + name_of(user))
