"""Write a bill of materials (CycloneDX) of what lensfeed runs on: the run lock, installed. Run by `make sbom`."""

import subprocess
import sys
import sysconfig
from pathlib import Path

from tools.pythons import environment, own_version
from tools.requirements import ROOT


def main() -> None:
    """Write the bill to the given file."""
    python = environment(own_version(), sys.executable) / "bin" / "python"
    program = Path(sysconfig.get_path("scripts")) / "cyclonedx-py"
    options = ("--output-reproducible", "--output-format", "JSON", "--output-file", sys.argv[1])
    subprocess.run([program, "environment", *options, python], cwd=ROOT, check=True)


if __name__ == "__main__":
    main()
