"""`upload`."""

from pathlib import Path
from typing import Annotated

import typer

from lensfeed_client.commands.options import PANEL, AltText, AsJson, Command, NoWait, Patience, Resume, Url

app = typer.Typer()


@app.command(cls=Command, rich_help_panel=PANEL)
def upload(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, readable=True, help="A photo or a video.")],
    alt_text: AltText = None,
    resume: Resume = False,
    no_wait: NoWait = False,
    patience: Patience = 600.0,
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """Upload a file without posting it. Post it later with `lensfeed post --media ID`."""
    from rich.text import Text

    from lensfeed_client.commands.connection import connected
    from lensfeed_client.commands.display.bars import waiting
    from lensfeed_client.commands.display.cards import medium_line
    from lensfeed_client.commands.display.output import Output
    from lensfeed_client.commands.display.visible import visible
    from lensfeed_client.commands.send_file import naming, send_file
    from lensfeed_client.commands.state.unfinished_uploads import UnfinishedUploads

    out = Output(as_json=as_json)
    with connected(url, out) as (mesh, address), naming(file.name):
        assert mesh.session is not None  # noqa: S101 - `connected` has checked
        uploads = UnfinishedUploads(address, mesh.session.user_id)
        medium = send_file(mesh, uploads, file, out, alt_text=(alt_text or [""])[0], resume=resume)
        uploads.forget(file)
        if not no_wait:
            with waiting(out, "processing on the server"):
                medium = mesh.wait_until_ready(medium.media_id, timeout=patience)
        out.result(medium, Text(f"{visible(medium.media_id)}: ") + medium_line(medium, links=out.shows_links))
