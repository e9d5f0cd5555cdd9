"""Creates the keys that sign access tokens, once per data folder."""

from pathlib import Path

from devmesh.errors import MeshError
from devmesh.supervise.process import Child, Command, exit_text

FILES = ("token-key.pem", "jwks.json")


async def make_keys(folder: Path, command: Command) -> None:
    """Run the command unless the keys exist. Raises MeshError if it fails."""
    if all((folder / name).exists() for name in FILES):
        return
    child = await Child.start(command)
    try:
        code = await child.exited()
    finally:
        await child.stop(grace=0)
    if code:
        raise MeshError(
            f"cannot create the keys for access tokens: {command.argv[-3]} {exit_text(code)}\n{child.log_tail()}"
        )
