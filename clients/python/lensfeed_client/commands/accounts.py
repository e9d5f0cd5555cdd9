"""`signup`, `login`, `logout` and `whoami`."""

from typing import Annotated

import typer

from lensfeed_client.commands.options import PANEL, AsJson, Command, PasswordStdin, Url

app = typer.Typer()

Handle = Annotated[str | None, typer.Argument(metavar="[HANDLE]", help="Whose account.", show_default="asked for")]


@app.command(cls=Command, rich_help_panel=PANEL)
def signup(
    handle: Handle = None,
    name: Annotated[str, typer.Option("--name", help="The name to show to others.")] = "",
    password_stdin: PasswordStdin = False,
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """Make an account, and log in."""
    from rich.text import Text

    from lensfeed_client.commands.cards import name_of
    from lensfeed_client.commands.output import Output
    from lensfeed_client.commands.passwords import read_handle, read_password
    from lensfeed_client.commands.places import remember_url
    from lensfeed_client.commands.talking import talking, warn_of_plain_http

    out = Output(as_json=as_json)
    with talking(url, out, as_somebody=False) as (mesh, address):
        warn_of_plain_http(address, out)
        chosen = read_handle(handle)
        password = read_password(from_stdin=password_stdin, again=True)
        mesh.sign_up(chosen, password, name)
        user = mesh.log_in(chosen, password)
        remember_url(address)
        out.result(user, name_of(user) + Text(f" is yours. You are logged in at {address}."))


@app.command(cls=Command, rich_help_panel=PANEL)
def login(
    handle: Handle = None, password_stdin: PasswordStdin = False, url: Url = None, as_json: AsJson = False
) -> None:
    """Log in. The server is the one that other commands use from then on."""
    from rich.text import Text

    from lensfeed_client.commands.cards import name_of
    from lensfeed_client.commands.output import Output
    from lensfeed_client.commands.passwords import read_handle, read_password
    from lensfeed_client.commands.places import remember_url
    from lensfeed_client.commands.talking import talking, warn_of_plain_http

    out = Output(as_json=as_json)
    with talking(url, out, as_somebody=False) as (mesh, address):
        warn_of_plain_http(address, out)
        user = mesh.log_in(read_handle(handle), read_password(from_stdin=password_stdin))
        remember_url(address)
        out.result(user, Text("Logged in as ") + name_of(user) + Text(f" at {address}."))


@app.command(cls=Command, rich_help_panel=PANEL)
def logout(url: Url = None, as_json: AsJson = False) -> None:
    """Log out: the session ends at the server, and nothing of it stays here."""
    from lensfeed_client.commands.output import Output
    from lensfeed_client.commands.talking import talking

    out = Output(as_json=as_json)
    with talking(url, out, as_somebody=False) as (mesh, address):
        was_in = mesh.session is not None
        mesh.log_out()
        out.result({}, f"Logged out of {address}." if was_in else f"Nobody was logged in at {address}.")


@app.command(cls=Command, rich_help_panel=PANEL)
def whoami(url: Url = None, as_json: AsJson = False) -> None:
    """Show who is logged in, and where."""
    from lensfeed_client.commands.cards import user_card
    from lensfeed_client.commands.output import Output
    from lensfeed_client.commands.talking import talking

    out = Output(as_json=as_json)
    with talking(url, out) as (mesh, address):
        user = mesh.whoami()
        out.result(user, user_card(user, address))
