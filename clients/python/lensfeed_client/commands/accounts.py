"""`signup`, `login`, `logout` and `whoami`."""

from typing import Annotated

import typer

from lensfeed_client.commands.options import PANEL, AsJson, Command, PasswordStdin, Url

app = typer.Typer()

Handle = Annotated[
    str | None, typer.Argument(metavar="[HANDLE]", help="The account's handle.", show_default="prompts for it")
]


@app.command(cls=Command, rich_help_panel=PANEL)
def signup(
    handle: Handle = None,
    name: Annotated[str, typer.Option("--name", help="Your display name.")] = "",
    password_stdin: PasswordStdin = False,
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """Create an account and log in."""
    from rich.text import Text

    from lensfeed_client.commands.connection import connected, warn_of_plain_http
    from lensfeed_client.commands.display.cards import name_of
    from lensfeed_client.commands.display.output import Output
    from lensfeed_client.commands.passwords import read_handle, read_password
    from lensfeed_client.commands.state.state_folder import remember_url

    out = Output(as_json=as_json)
    with connected(url, out, needs_login=False) as (mesh, address):
        warn_of_plain_http(address, out)
        chosen = read_handle(handle)
        password = read_password(from_stdin=password_stdin, again=True)
        mesh.sign_up(chosen, password, name)
        user = mesh.log_in(chosen, password)
        remember_url(address)
        out.result(user, name_of(user) + Text(f" is yours. You are logged in to {address}."))


@app.command(cls=Command, rich_help_panel=PANEL)
def login(
    handle: Handle = None, password_stdin: PasswordStdin = False, url: Url = None, as_json: AsJson = False
) -> None:
    """Log in. Later commands use the same server."""
    from rich.text import Text

    from lensfeed_client.commands.connection import connected, warn_of_plain_http
    from lensfeed_client.commands.display.cards import name_of
    from lensfeed_client.commands.display.output import Output
    from lensfeed_client.commands.passwords import read_handle, read_password
    from lensfeed_client.commands.state.state_folder import remember_url

    out = Output(as_json=as_json)
    with connected(url, out, needs_login=False) as (mesh, address):
        warn_of_plain_http(address, out)
        user = mesh.log_in(read_handle(handle), read_password(from_stdin=password_stdin))
        remember_url(address)
        out.result(user, Text("Logged in as ") + name_of(user) + Text(f" at {address}."))


@app.command(cls=Command, rich_help_panel=PANEL)
def logout(url: Url = None, as_json: AsJson = False) -> None:
    """Log out: end the session on the server and delete it here."""
    from lensfeed_client.commands.connection import connected
    from lensfeed_client.commands.display.output import Output

    out = Output(as_json=as_json)
    with connected(url, out, needs_login=False) as (mesh, address):
        was_in = mesh.session is not None
        mesh.log_out()
        out.result({}, f"Logged out of {address}." if was_in else f"You were not logged in to {address}.")


@app.command(cls=Command, rich_help_panel=PANEL)
def whoami(url: Url = None, as_json: AsJson = False) -> None:
    """Show the logged-in account and its server."""
    from lensfeed_client.commands.connection import connected
    from lensfeed_client.commands.display.cards import user_card
    from lensfeed_client.commands.display.output import Output

    out = Output(as_json=as_json)
    with connected(url, out) as (mesh, address):
        user = mesh.whoami()
        out.result(user, user_card(user, address))
