"""`feed` and `posts`."""

import os
from typing import Annotated

import typer

from lensfeed_client.commands.options import PANEL, AsJson, Command, Cursor, Every, Limit, Url

app = typer.Typer()

LIMIT = 20
_EMPTY = {"FOLLOWS_NOBODY": "You follow nobody yet. Use `lensfeed follow USER`."}


@app.command(cls=Command, rich_help_panel=PANEL)
def feed(
    limit: Limit = LIMIT, every: Every = False, cursor: Cursor = None, url: Url = None, as_json: AsJson = False
) -> None:
    """Show your feed: posts of the people you follow, newest first."""
    from lensfeed_client.commands.connection import connected
    from lensfeed_client.commands.display.cards import post_card
    from lensfeed_client.commands.display.listing import Listing, show_list
    from lensfeed_client.commands.display.output import Output

    out = Output(as_json=as_json)
    with connected(url, out) as (mesh, _):
        pages = mesh.feed(limit, cursor=cursor)
        again = Listing(["lensfeed", "feed", *options_to_repeat(limit, url)], every)
        if not show_list(out, pages, again, lambda item: post_card(item.post, item.author, links=out.shows_links)):
            first = _EMPTY.get(pages.empty_reason, "The people you follow have not posted yet.")
            out.note("There are no more posts." if cursor else first)


@app.command(cls=Command, rich_help_panel=PANEL)
def posts(
    user: Annotated[
        str | None, typer.Argument(metavar="[USER]", help="A handle or an id.", show_default="yourself")
    ] = None,
    limit: Limit = LIMIT,
    every: Every = False,
    cursor: Cursor = None,
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """Show someone's posts, newest first."""
    from lensfeed_client.commands.connection import connected
    from lensfeed_client.commands.display.cards import post_card
    from lensfeed_client.commands.display.listing import Listing, show_list
    from lensfeed_client.commands.display.output import Output
    from lensfeed_client.commands.find_user import find_user

    out = Output(as_json=as_json)
    with connected(url, out) as (mesh, _):
        author = find_user(mesh, user) if user else mesh.whoami()
        again = Listing(["lensfeed", "posts", f"@{author.handle}", *options_to_repeat(limit, url)], every)
        pages = mesh.user_posts(author.user_id, limit, cursor=cursor)
        if not show_list(out, pages, again, lambda post: post_card(post, author, links=out.shows_links)):
            out.note("There are no more posts." if cursor else f"@{author.handle} has not posted yet.")


def options_to_repeat(limit: int, url: str | None) -> list[str]:
    """Return the options that the next page's command needs too."""
    named = url is not None and url != os.environ.get("LENSFEED_URL")
    return [*(["--limit", str(limit)] if limit != LIMIT else []), *(["--url", str(url)] if named else [])]
