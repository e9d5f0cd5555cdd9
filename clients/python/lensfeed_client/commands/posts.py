"""`post` and `delete`."""

from pathlib import Path
from typing import Annotated

import typer

from lensfeed_client.commands.options import PANEL, AltText, AsJson, Command, NoWait, Patience, Resume, Url

app = typer.Typer()

Files = Annotated[
    list[Path] | None,
    typer.Argument(metavar="FILE", exists=True, dir_okay=False, readable=True, help="1 to 10 photos or videos."),
]
Media = Annotated[list[str] | None, typer.Option("--media", metavar="ID", help="One that `upload` has uploaded.")]


@app.command(cls=Command, rich_help_panel=PANEL)
def post(  # noqa: PLR0917 - options are given by name
    files: Files = None,
    caption: Annotated[str, typer.Option("--message", "-m", help="The caption.")] = "",
    alt_text: AltText = None,
    media: Media = None,
    resume: Resume = False,
    no_wait: NoWait = False,
    patience: Patience = 600.0,
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """Upload files and post them; returns when everybody can see the post."""
    from lensfeed_client.commands.cards import post_card
    from lensfeed_client.commands.output import Output
    from lensfeed_client.commands.publish import Publication, publish, wait_until_published
    from lensfeed_client.commands.talking import talking

    out = Output(as_json=as_json)
    with talking(url, out) as (mesh, address):
        wish = Publication(tuple(files or ()), tuple(media or ()), caption, tuple(alt_text or ()))
        made, sources = publish(mesh, address, wish, out, resume=resume)
        if not no_wait:
            made = wait_until_published(mesh, made, sources, out, patience)
        out.result(made, post_card(made, None, links=out.shows_links))
        if no_wait:
            out.note("It appears by itself as soon as the server has prepared it.")


@app.command(cls=Command, rich_help_panel=PANEL)
def delete(
    posts: Annotated[list[str], typer.Argument(metavar="POST", help="Ids of posts of yours.")],
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """Delete posts of yours, for everybody and for good."""
    from lensfeed_client.commands.output import Output
    from lensfeed_client.commands.send_file import about
    from lensfeed_client.commands.talking import talking
    from lensfeed_client.commands.visible import visible

    out = Output(as_json=as_json)
    with talking(url, out) as (mesh, _):
        for post_id in posts:
            with about(post_id):
                mesh.delete_post(post_id)
            out.result({"postId": post_id}, f"Deleted {visible(post_id)}.")
