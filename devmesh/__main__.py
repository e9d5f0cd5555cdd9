"""The `lensfeed` command."""

from enum import Enum
from pathlib import Path
from typing import Annotated

import platformdirs
import typer

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="lensfeed: a photo-sharing backend that people run themselves.",
)


class Store(Enum):
    """Where the services keep their data."""

    SQLITE = "sqlite"


@app.command()
def dev(
    store: Annotated[Store, typer.Option(help="Where the services keep their data.")] = Store.SQLITE,
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
) -> None:
    """Start the whole mesh on this machine, with the real servers, until Ctrl-C.

    Prints where each part listens, and then a line `ready` with the address of the edge. COMMAND finds that address in
    LENSFEED_URL and each service's in LENSFEED_USER_ADDR and so on; its exit code becomes ours.
    """
    from devmesh.dev import DevOptions
    from devmesh.dev import dev as run

    del store  # there is one so far
    folder = (data or Path(platformdirs.user_data_dir("lensfeed"))).expanduser().absolute()
    raise typer.Exit(run(DevOptions(folder, port, base_port, exec_command)))


@app.command()
def version() -> None:
    """Print the version."""
    from importlib.metadata import version as installed

    typer.echo(f"lensfeed {installed('lensfeed')}")


def main() -> None:
    """Run the command line."""
    app()


if __name__ == "__main__":
    main()
