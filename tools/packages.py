"""Check what would be uploaded to PyPI: wheel and sdist. Run by `make packages`, after `make wheel`.

Twine reads their metadata; a wheel built from the sdist holds the same files; and the wheel is installed into empty
environments: without an extra for services, with `[edge]` for the edge, and with `[mesh]` for a mesh that takes a post.
"""

import subprocess
import sys
import sysconfig
import tempfile
import zipfile
from collections.abc import Sequence
from pathlib import Path

from tools.imports import SERVICES
from tools.requirements import ROOT, RUN

NO_COMMAND = "lensfeed: the command needs extra packages: pip install 'lensfeed[mesh]'"
_SCRIPTS = Path(sysconfig.get_path("scripts"))
_UV = _SCRIPTS / "uv"


def main() -> None:
    """Check the wheel given by its path, and an sdist that is built here."""
    wheel = Path(sys.argv[1]).resolve()
    sdist = build_sdist(wheel.parent, wheel.name.split("-")[1])
    _run(_SCRIPTS / "twine", "check", "--strict", wheel, sdist)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if names_in(build_wheel(sdist, folder)) != names_in(wheel):
            sys.exit(f"{sdist.name} and {wheel.name} do not hold the same files")
        check_services(install(wheel, folder / "services"))
        _run(install(wheel, folder / "edge", "edge") / "python", "-I", "-m", "edge_proxy", "--help", cwd=folder)
        check_mesh(install(wheel, folder / "mesh", "mesh"), folder)
    print(f"{wheel.name} and {sdist.name} can be installed, with and without extras.")


def build_sdist(folder: Path, version: str) -> Path:
    """Build the sdist. It has the generated code, so that whoever builds from it needs no buf."""
    _run(
        _UV,
        "build",
        "--quiet",
        "--sdist",
        "--no-build-isolation",
        "--python",
        sys.executable,
        "--out-dir",
        folder,
        ROOT,
    )
    return folder / f"lensfeed-{version}.tar.gz"


def build_wheel(sdist: Path, folder: Path) -> Path:
    """Build a wheel from an sdist."""
    pip = (sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation")
    _run(*pip, "--wheel-dir", folder, sdist)
    [wheel] = folder.glob("*.whl")
    return wheel


def names_in(wheel: Path) -> set[str]:
    """Return the names of a wheel's files."""
    return set(zipfile.ZipFile(wheel).namelist())


def install(wheel: Path, folder: Path, extra: str | None = None) -> Path:
    """Install a wheel into an empty environment, in the versions of the lock, and return the folder of its programs."""
    _run(_UV, "venv", "--quiet", "--python", sys.executable, folder)
    programs = folder / "bin"
    name = f"lensfeed[{extra}] @ {wheel.as_uri()}" if extra else f"lensfeed @ {wheel.as_uri()}"
    _run(_UV, "pip", "install", "--quiet", "--python", programs / "python", "--constraint", RUN, name)
    return programs


def check_services(programs: Path) -> None:
    """Start every service's command line. The command of a mesh says what it lacks."""
    for service in SERVICES:
        _run(programs / "python", "-I", "-m", service, "--help", cwd=programs)
    command = subprocess.run([programs / "lensfeed", "dev"], cwd=programs, check=False, capture_output=True, text=True)
    if (command.returncode, command.stderr.strip()) != (1, NO_COMMAND):
        sys.exit(f"lensfeed without its extra says: {command.stderr}")


def check_mesh(programs: Path, folder: Path) -> None:
    """Run a mesh in a folder that holds nothing of ours, and let two people post photos to it."""
    seed = f"{programs / 'lensfeed'} seed --people 2 --posts 1"
    options = ("--port", "0", "--data", folder / "data", "--exec", seed)
    _run(programs / "lensfeed", "dev", *options, cwd=folder)


def _run(*command: str | Path, cwd: Path = ROOT) -> None:
    done = subprocess.run(_words(command), cwd=cwd, check=False, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{' '.join(_words(command))}\n{done.stdout}{done.stderr}")


def _words(command: Sequence[str | Path]) -> list[str]:
    return [str(word) for word in command]


if __name__ == "__main__":
    main()
