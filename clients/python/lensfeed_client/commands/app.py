"""All commands that use a mesh, as the client's own `lensfeed` command. The server's command includes them too."""

from importlib.metadata import version as installed

try:
    import typer
except ModuleNotFoundError:
    raise SystemExit("lensfeed: the command needs extra packages: pip install 'lensfeed-client[cli]'") from None

from lensfeed_client.commands import accounts, follows, lists, posts, privacy, uploads

GROUPS = (accounts.app, posts.app, uploads.app, follows.app, privacy.app, lists.app)

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="lensfeed: photos, videos and a chronological feed, from the terminal.",
)
for group in GROUPS:
    app.add_typer(group)


@app.command()
def version() -> None:
    """Print the version."""
    typer.echo(f"lensfeed-client {installed('lensfeed-client')}")


def main() -> None:
    """Run the command line."""
    app(prog_name="lensfeed")
