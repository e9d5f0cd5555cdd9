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
Media = Annotated[list[str] | None, typer.Option("--media", metavar="ID", help="A medium that `upload` created.")]


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
    """Upload files and post them. Returns when everyone can see the post."""
    from lensfeed_client.commands.connection import connected
    from lensfeed_client.commands.display.cards import post_card
    from lensfeed_client.commands.display.output import Output
    from lensfeed_client.commands.publish import Draft, publish, wait_until_published

    out = Output(as_json=as_json)
    with connected(url, out) as (mesh, address):
        draft = Draft(tuple(files or ()), tuple(media or ()), caption, tuple(alt_text or ()))
        created, sources = publish(mesh, address, draft, out, resume=resume)
        if not no_wait:
            created = wait_until_published(mesh, created, sources, out, patience)
        out.result(created, post_card(created, None, links=out.shows_links))
        if no_wait:
            out.note("It will be published once its media are ready.")


@app.command(cls=Command, rich_help_panel=PANEL)
def delete(
    posts: Annotated[list[str], typer.Argument(metavar="POST", help="Ids of your posts.")],
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """Delete posts of yours for good."""
    from lensfeed_client.commands.connection import connected
    from lensfeed_client.commands.display.output import Output
    from lensfeed_client.commands.display.visible import visible
    from lensfeed_client.commands.send_file import naming

    out = Output(as_json=as_json)
    with connected(url, out) as (mesh, _):
        for post_id in posts:
            with naming(post_id):
                mesh.delete_post(post_id)
            out.result({"postId": post_id}, f"Deleted {visible(post_id)}.")
