"""`feed` and `posts`."""

import os
from typing import Annotated

import typer

from lensfeed_client.commands.options import PANEL, AsJson, Command, Cursor, Every, Limit, Url

app = typer.Typer()

_LIMIT = 20
_NOTHING = {"FOLLOWS_NOBODY": "You follow nobody yet: `lensfeed follow USER` changes that."}


@app.command(cls=Command, rich_help_panel=PANEL)
def feed(
    limit: Limit = _LIMIT, every: Every = False, cursor: Cursor = None, url: Url = None, as_json: AsJson = False
) -> None:
    """Show your feed: posts of those you follow, newest first."""
    from lensfeed_client.commands.cards import post_card
    from lensfeed_client.commands.listing import Listing, show_list
    from lensfeed_client.commands.output import Output
    from lensfeed_client.commands.talking import talking

    out = Output(as_json=as_json)
    with talking(url, out) as (mesh, _):
        pages = mesh.feed(limit, cursor=cursor)
        again = Listing(["lensfeed", "feed", *_kept(limit, url)], every)
        if not show_list(out, pages, again, lambda item: post_card(item.post, item.author, links=out.shows_links)):
            first = _NOTHING.get(pages.empty_reason, "Those you follow have posted nothing yet.")
            out.note("That was everything." if cursor else first)


@app.command(cls=Command, rich_help_panel=PANEL)
def posts(
    user: Annotated[
        str | None, typer.Argument(metavar="[USER]", help="Whose: a handle, or an id.", show_default="yourself")
    ] = None,
    limit: Limit = _LIMIT,
    every: Every = False,
    cursor: Cursor = None,
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """Show somebody's posts, newest first."""
    from lensfeed_client.commands.cards import post_card
    from lensfeed_client.commands.listing import Listing, show_list
    from lensfeed_client.commands.output import Output
    from lensfeed_client.commands.people import find_user
    from lensfeed_client.commands.talking import talking

    out = Output(as_json=as_json)
    with talking(url, out) as (mesh, _):
        author = find_user(mesh, user) if user else mesh.whoami()
        again = Listing(["lensfeed", "posts", f"@{author.handle}", *_kept(limit, url)], every)
        pages = mesh.user_posts(author.user_id, limit, cursor=cursor)
        if not show_list(out, pages, again, lambda post: post_card(post, author, links=out.shows_links)):
            out.note("That was everything." if cursor else f"@{author.handle} has posted nothing yet.")


def _kept(limit: int, url: str | None) -> list[str]:
    """Return the options that the next page is asked for with, too."""
    named = url is not None and url != os.environ.get("LENSFEED_URL")
    return [*(["--limit", str(limit)] if limit != _LIMIT else []), *(["--url", str(url)] if named else [])]
