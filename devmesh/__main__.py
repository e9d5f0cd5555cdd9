"""The `lensfeed` command."""

from enum import Enum
from pathlib import Path
from typing import Annotated

import typer
from lensfeed_client.commands.app import GROUPS

from devmesh.commands.events import app as events_app
from devmesh.folders import usual_folder

RUN = "Run a mesh"
"""Under which heading of --help the commands stand that are for who runs a mesh, as those of the client are for who uses one."""

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="lensfeed: a photo-sharing backend that people run themselves.",
)

keys_app = typer.Typer(no_args_is_help=True, help="The keys that sign access tokens.")
app.add_typer(keys_app, name="keys", rich_help_panel=RUN)
app.add_typer(events_app, name="events", rich_help_panel=RUN)
for group in GROUPS:
    app.add_typer(group)


class Store(Enum):
    """Where the services keep their data."""

    SQLITE = "sqlite"
    CASSANDRA = "cassandra"


class Nodes(Enum):
    """How many nodes of Cassandra: one, or enough for three copies of everything."""

    ONE = "1"
    THREE = "3"


@app.command(rich_help_panel=RUN)
def dev(
    store: Annotated[
        Store, typer.Option(envvar="LENSFEED_STORE", help="Where the services keep their data.")
    ] = Store.SQLITE,
    cassandra_nodes: Annotated[Nodes, typer.Option(help="How many nodes a Cassandra of the mesh has.")] = Nodes.ONE,
    cassandra_heap: Annotated[str, typer.Option(metavar="SIZE", help="How much heap each of them has.")] = "512m",
    data: Annotated[
        Path | None,
        typer.Option(help="The folder that keeps everything between runs.", show_default="in the user's data folder"),
    ] = None,
    port: Annotated[int, typer.Option(min=0, max=65_535, help="The port of the edge; 0 takes a free one.")] = 8080,
    base_port: Annotated[
        int | None,
        typer.Option(min=1024, max=65_000, help="Number all other ports from here on.", show_default="free ports"),
    ] = None,
    exec_command: Annotated[
        str | None,
        typer.Option("--exec", metavar="COMMAND", help="Run this shell command once the mesh is ready, then stop."),
    ] = None,
    mesh_tls: Annotated[
        bool, typer.Option("--mesh-tls", help="Let the services speak only to each other, by certificates (mTLS).")
    ] = False,
) -> None:
    """Start the whole mesh on this machine, with the real servers, until Ctrl-C.

    Prints where each part listens, and then a line `ready` with the address of the edge. COMMAND finds that address in
    LENSFEED_URL and each service's in LENSFEED_USER_ADDR and so on; its exit code becomes ours.

    With --store cassandra the mesh has a Cassandra of its own, unless LENSFEED_CASSANDRA_CONTACT_POINTS names another.
    With --mesh-tls it makes certificates in its data folder, unless LENSFEED_MESH_TLS names a folder that has them.
    """
    from devmesh.commands.dev import DevOptions
    from devmesh.commands.dev import dev as run
    from devmesh.parts.stores import StoreWish

    wish = StoreWish(store.value, int(cassandra_nodes.value), cassandra_heap)
    folder = (data or usual_folder(store.value)).expanduser().absolute()
    raise typer.Exit(run(DevOptions(folder, port, base_port, exec_command, wish, mesh_tls)))


@app.command(rich_help_panel=RUN)
def seed(
    url: Annotated[str, typer.Option(envvar="LENSFEED_URL", help="The edge of the mesh.")] = "http://127.0.0.1:8080",
    people: Annotated[int, typer.Option(min=2, max=1_000, help="How many people.")] = 10,
    posts: Annotated[int, typer.Option(min=0, max=100, help="How many posts each of them has.")] = 3,
    follows: Annotated[int, typer.Option(min=0, help="How many others each follows; the first follows everyone.")] = 5,
    seed_number: Annotated[int, typer.Option("--seed", min=0, help="Another number invents other people.")] = 1,
) -> None:
    """Fill a running mesh with sample people, pictures, posts and follows, over its public interface.

    Prints whom to log in as. A second run adds only what is missing.
    """
    from devmesh.commands.seed import SeedOptions
    from devmesh.commands.seed import seed as run

    raise typer.Exit(run(SeedOptions(url.rstrip("/"), people, posts, follows, seed_number)))


@keys_app.command()
def rotate(
    data: Annotated[
        Path | None, typer.Option(help="The folder of the mesh.", show_default="in the user's data folder")
    ] = None,
    keys: Annotated[Path | None, typer.Option(help="The folder of the keys, where it is no mesh of `dev`.")] = None,
) -> None:
    """Add a new key. No token is refused, and nothing needs a restart.

    The edge knows the new key at once; it signs when it is LENSFEED_TOKEN_KEY_SETTLE_SECONDS old. Keys that were replaced more
    than a day ago go. Prints all keys, oldest first.
    """
    from devmesh.commands.keys import rotate as run
    from devmesh.errors import MeshError

    try:
        typer.echo(run(keys or (data or usual_folder(Store.SQLITE.value)).expanduser() / "keys"), nl=False)
    except MeshError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from None


@app.command(rich_help_panel=RUN)
def certs(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="The folder to fill, for LENSFEED_MESH_TLS.")],
    days: Annotated[int, typer.Option(min=1, max=3650, help="How long new certificates are good for.")] = 90,
    renew: Annotated[
        bool, typer.Option("--renew", help="Renew all certificates, not only those that end soon.")
    ] = False,
) -> None:
    """Make the certificates by which the parts of a mesh know each other (mTLS), with an authority of their own.

    A second run renews those of whose life less than a third is left. Parts that run take renewed ones by themselves.
    """
    from devmesh.errors import MeshError
    from devmesh.secrets.certificates import make_certificates

    try:
        made = make_certificates(folder, days, renew_all=renew)
    except (MeshError, OSError) as error:
        typer.echo(f"lensfeed: {error}", err=True)
        raise typer.Exit(1) from None
    typer.echo(f"{folder}: made {', '.join(made)}" if made else f"{folder}: all certificates are good for a while")


@app.command(rich_help_panel=RUN)
def version() -> None:
    """Print the version."""
    from importlib.metadata import version as installed

    typer.echo(f"lensfeed {installed('lensfeed')}")


def main() -> None:
    """Run the command line."""
    app()


if __name__ == "__main__":
    main()
