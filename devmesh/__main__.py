"""The `lensfeed` command."""

from collections.abc import Callable
from enum import Enum
from pathlib import Path
from typing import Annotated

try:
    import typer
except ModuleNotFoundError:
    raise SystemExit("lensfeed: the command needs extra packages: pip install 'lensfeed[mesh]'") from None
from lensfeed_client.commands.app import GROUPS

from devmesh.commands.events import app as events_app
from devmesh.commands.logs import logs
from devmesh.folders import default_folder

RUN = "Run a mesh"
"""The heading in --help of the commands for operators. The client's commands have their own."""

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)

keys_app = typer.Typer(no_args_is_help=True, help="Manage the keys that sign access tokens.")
app.add_typer(keys_app, name="keys", rich_help_panel=RUN)
app.add_typer(events_app, name="events", rich_help_panel=RUN)
for group in GROUPS:
    app.add_typer(group)


class Store(Enum):
    """Where the services keep their data."""

    SQLITE = "sqlite"
    CASSANDRA = "cassandra"


class Nodes(Enum):
    """The number of Cassandra nodes: one, or three for three replicas."""

    ONE = "1"
    THREE = "3"


@app.command(rich_help_panel=RUN)
def dev(
    *,
    store: Annotated[
        Store, typer.Option(envvar="LENSFEED_STORE", help="Where the services keep their data.")
    ] = Store.SQLITE,
    cassandra_nodes: Annotated[Nodes, typer.Option(help="The number of Cassandra nodes.")] = Nodes.ONE,
    cassandra_heap: Annotated[str, typer.Option(metavar="SIZE", help="The heap size of each Cassandra node.")] = "512m",
    data: Annotated[
        Path | None,
        typer.Option(help="The folder that keeps all data between runs.", show_default="in the user's data folder"),
    ] = None,
    port: Annotated[int, typer.Option(min=0, max=65_535, help="The port of the edge; 0 picks a free one.")] = 8080,
    base_port: Annotated[
        int | None,
        typer.Option(min=1024, max=65_000, help="Number all other ports from this one.", show_default="free ports"),
    ] = None,
    exec_command: Annotated[
        str | None,
        typer.Option("--exec", metavar="COMMAND", help="Run this shell command once the mesh is ready, then stop."),
    ] = None,
    mesh_tls: Annotated[bool, typer.Option("--mesh-tls", help="Use mTLS between the parts of the mesh.")] = False,
    copies: Annotated[
        list[str] | None,
        typer.Option(
            metavar="PART=N", help="Run N of a part, such as feed-serve=3 or edge=2. Repeatable.", show_default=False
        ),
    ] = None,
) -> None:
    """Run a whole mesh on this machine, with real servers, until Ctrl-C.

    Prints the address of each part, then a line `ready` with the URL of the edge. COMMAND gets that URL in LENSFEED_URL
    and the address of each service in LENSFEED_USER_ADDR and so on. Its exit code is returned.

    With --store cassandra the mesh runs its own Cassandra, unless LENSFEED_CASSANDRA_CONTACT_POINTS names another.
    With --mesh-tls it creates certificates in its data folder, unless LENSFEED_MESH_TLS names a folder with certificates.
    """
    from devmesh.commands.dev import DevOptions
    from devmesh.commands.dev import dev as run
    from devmesh.parts.stores import StoreOptions

    wish = StoreOptions(store.value, int(cassandra_nodes.value), cassandra_heap)
    folder = (data or default_folder(store.value)).expanduser().absolute()
    raise typer.Exit(run(DevOptions(folder, port, base_port, exec_command, wish, mesh_tls, copies or ())))


@app.command(rich_help_panel=RUN)
def seed(
    url: Annotated[str, typer.Option(envvar="LENSFEED_URL", help="The URL of the edge.")] = "http://127.0.0.1:8080",
    people: Annotated[int, typer.Option(min=2, max=1_000, help="The number of people.")] = 10,
    posts: Annotated[int, typer.Option(min=0, max=100, help="The number of posts of each person.")] = 3,
    follows: Annotated[
        int, typer.Option(min=0, help="How many others each person follows; the first follows everyone.")
    ] = 5,
    seed_number: Annotated[int, typer.Option("--seed", min=0, help="Different numbers create different people.")] = 1,
) -> None:
    """Fill a running mesh with sample people, pictures, posts and follows through the public API.

    Prints a user to log in as. One of four people or more is private. A second run adds only what is missing.
    """
    from devmesh.commands.seed import SeedOptions
    from devmesh.commands.seed import seed as run

    raise typer.Exit(run(SeedOptions(url.rstrip("/"), people, posts, follows, seed_number)))


@app.command(rich_help_panel=RUN)
def top(
    data: Annotated[
        Path | None, typer.Option(help="The folder of the running mesh.", show_default="in the user's data folder")
    ] = None,
    targets: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="A list of targets as Prometheus reads it, of any mesh.", show_default=False),
    ] = None,
    every: Annotated[float, typer.Option(min=0.5, max=60, help="How many seconds rates and percentiles cover.")] = 2.0,
    once: Annotated[bool, typer.Option("--once", help="Print the figures once. Also without a terminal.")] = False,
) -> None:
    """Show what a running mesh does: calls, latencies, feeds, events, jobs and stores.

    Figures are read from the Prometheus endpoints of its processes. Lines that need a look are red.
    """
    from devmesh.commands.top import top as run

    raise typer.Exit(run(data, targets, every, once=once))


app.command(rich_help_panel=RUN)(logs)


_DATA = typer.Option(help="The folder of the mesh.", show_default="in the user's data folder")
_KEYS = typer.Option(help="The folder of the keys, if it is not a mesh of `dev`.")


@keys_app.command()
def rotate(data: Annotated[Path | None, _DATA] = None, keys: Annotated[Path | None, _KEYS] = None) -> None:
    """Add a new signing key. No token becomes invalid, and nothing needs a restart.

    The edge accepts the new key at once. It is used for signing after LENSFEED_TOKEN_KEY_SETTLE_SECONDS. Keys that were
    replaced more than a day ago are removed. Prints all keys, oldest first.
    """
    from devmesh.commands.keys import rotate as run

    _print_keys(run, data, keys)


@keys_app.command()
def drop(
    key: Annotated[str, typer.Argument(help="The key's id, as `rotate` prints it and tokens name it (`kid`).")],
    data: Annotated[Path | None, _DATA] = None,
    keys: Annotated[Path | None, _KEYS] = None,
) -> None:
    """Drop a stolen key. The edge refuses its tokens within seconds; apps then refresh theirs.

    If no other key is left, a new one signs at once. Prints the keys that are left, oldest first.
    """
    from devmesh.commands.keys import drop as run

    _print_keys(lambda folder: run(folder, key), data, keys)


def _print_keys(run: Callable[[Path], str], data: Path | None, keys: Path | None) -> None:
    from devmesh.errors import MeshError

    try:
        typer.echo(run(keys or (data or default_folder(Store.SQLITE.value)).expanduser() / "keys"), nl=False)
    except MeshError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from None


@app.command(rich_help_panel=RUN)
def certs(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="The folder to fill, for LENSFEED_MESH_TLS.")],
    days: Annotated[int, typer.Option(min=1, max=3650, help="How long new certificates are valid, in days.")] = 90,
    renew: Annotated[
        bool, typer.Option("--renew", help="Renew all certificates, not only those that expire soon.")
    ] = False,
) -> None:
    """Create certificates for mTLS between the parts of a mesh, with their own authority.

    A second run renews certificates with less than a third of their life left. Running parts reload them.
    """
    from devmesh.errors import MeshError
    from devmesh.secrets.certificates import make_certificates

    try:
        made = make_certificates(folder, days, renew_all=renew)
    except (MeshError, OSError) as error:
        typer.echo(f"lensfeed: {error}", err=True)
        raise typer.Exit(1) from None
    typer.echo(f"{folder}: created {', '.join(made)}" if made else f"{folder}: no certificate expires soon")


@app.command(rich_help_panel=RUN)
def version() -> None:
    """Print the version."""
    _print_version(is_wanted=True)


def _print_version(*, is_wanted: bool) -> None:
    from importlib.metadata import version as installed

    if is_wanted:
        typer.echo(f"lensfeed {installed('lensfeed')}")
        raise typer.Exit


_VERSION = typer.Option(
    "--version",
    is_eager=True,
    callback=lambda is_wanted: _print_version(is_wanted=is_wanted),
    help="Print the version.",
)


@app.callback()
def options(*, version: Annotated[bool, _VERSION] = False) -> None:
    """lensfeed: a self-hosted photo-sharing backend."""


def main() -> None:
    """Run the command line."""
    app()


if __name__ == "__main__":
    main()
