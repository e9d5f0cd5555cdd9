"""Freeze today's public contracts as those of the release that setup.cfg names: `make release-protos`.

`protos/released/` holds the descriptor set of each release whose apps must go on working, as they were built: protos/breaking.sh
compares today's contracts with all of them, and a test takes stubs of each through a mesh of today. A release that is no longer
supported is deleted there.
"""

import configparser
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
PUBLIC = ROOT / "build" / "public.binpb"
RELEASED = ROOT / "protos" / "released"


def version() -> str:
    """Return the version that is being worked on."""
    # Raw: mypy's and pytest's values have percent signs and dollars of their own.
    metadata = configparser.RawConfigParser()
    metadata.read(ROOT / "setup.cfg")
    return metadata["metadata"]["version"]


def freeze(contracts: bytes, folder: Path, name: str) -> Path:
    """Write the contracts of a release; its file. The same again change nothing, others under its name exit with a sentence."""
    released = folder / f"{name}.binpb"
    if released.exists() and released.read_bytes() != contracts:
        sys.exit(f"{name} has been released with other contracts: raise the version in setup.cfg first")
    folder.mkdir(exist_ok=True)
    released.write_bytes(contracts)
    return released


def main() -> None:
    """Freeze them, and say where."""
    released = freeze(PUBLIC.read_bytes(), RELEASED, version())
    sys.stdout.write(f"frozen as {released.relative_to(ROOT)}\n")


if __name__ == "__main__":
    main()
