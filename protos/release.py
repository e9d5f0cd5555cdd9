"""Freeze today's public contracts as a release: `make release-protos`. setup.cfg has its version.

`protos/released/` holds the descriptor set of each supported release, whose apps must keep working. protos/breaking.sh
compares today's contracts with all of them, and a test runs stubs of the newest one against today's mesh. To end support for
a release, delete its file.
"""

import configparser
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
PUBLIC = ROOT / "build" / "public.binpb"
RELEASED = ROOT / "protos" / "released"


def version() -> str:
    """Return the current version."""
    # Raw, because values for mypy and pytest contain percent signs and dollars.
    metadata = configparser.RawConfigParser()
    metadata.read(ROOT / "setup.cfg")
    return metadata["metadata"]["version"]


def freeze(contracts: bytes, folder: Path, name: str) -> Path:
    """Write a release's contracts and return the file. Exits if the release exists with other contracts."""
    released = folder / f"{name}.binpb"
    if released.exists() and released.read_bytes() != contracts:
        sys.exit(f"{name} has been released with other contracts: raise the version in setup.cfg first")
    folder.mkdir(exist_ok=True)
    released.write_bytes(contracts)
    return released


def main() -> None:
    """Freeze the contracts and print where."""
    released = freeze(PUBLIC.read_bytes(), RELEASED, version())
    sys.stdout.write(f"frozen as {released.relative_to(ROOT)}\n")


if __name__ == "__main__":
    main()
