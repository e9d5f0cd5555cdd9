"""`privacy`, `requests`, `accept` and `decline`."""

from enum import StrEnum
from typing import Annotated

import typer

from lensfeed_client.commands.follows import Users, change_each
from lensfeed_client.commands.lists import LIMIT, options_to_repeat
from lensfeed_client.commands.options import PANEL, AsJson, Command, Cursor, Every, Limit, Url

app = typer.Typer()


class Visibility(StrEnum):
    """Who sees an account."""

    PUBLIC = "public"
    PRIVATE = "private"


@app.command(cls=Command, rich_help_panel=PANEL)
def privacy(
    visibility: Annotated[Visibility, typer.Argument(help="Who sees your posts: everybody, or your followers.")],
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """Make your account private or public. Followers stay. Repeatable."""
    from lensfeed_client.commands.connection import connected
    from lensfeed_client.commands.display.output import Output

    out = Output(as_json=as_json)
    with connected(url, out) as (mesh, _):
        if visibility is Visibility.PRIVATE:
            mesh.make_private()
            shown = "Your account is private: only your followers see your posts."
        else:
            mesh.make_public()
            shown = "Your account is public: everybody sees your posts."
        out.result({"visibility": visibility.value}, shown)


@app.command(cls=Command, rich_help_panel=PANEL)
def requests(
    limit: Limit = LIMIT, every: Every = False, cursor: Cursor = None, url: Url = None, as_json: AsJson = False
) -> None:
    """Show who asks to follow you, the latest first."""
    from lensfeed_client.commands.connection import connected
    from lensfeed_client.commands.display.cards import name_of
    from lensfeed_client.commands.display.listing import Listing, show_list
    from lensfeed_client.commands.display.output import Output

    out = Output(as_json=as_json)
    with connected(url, out) as (mesh, _):
        again = Listing(["lensfeed", "requests", *options_to_repeat(limit, url)], every)
        if not show_list(out, mesh.follow_requests(limit, cursor=cursor), again, name_of):
            out.note("There are no more requests." if cursor else "Nobody asks to follow you.")


@app.command(cls=Command, rich_help_panel=PANEL)
def accept(users: Users, url: Url = None, as_json: AsJson = False) -> None:
    """Accept people who ask to follow you. Repeatable."""
    change_each(users, url, lambda mesh: mesh.accept_follower, "You are followed by ", as_json=as_json)


@app.command(cls=Command, rich_help_panel=PANEL)
def decline(users: Users, url: Url = None, as_json: AsJson = False) -> None:
    """Decline people who ask to follow you. They are not notified. Repeatable."""
    change_each(users, url, lambda mesh: mesh.decline_follower, "You have declined ", as_json=as_json)
