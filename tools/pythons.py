"""Install the wheel on every Python that this machine has, from the lock alone, and import all of it.

Run by `make pythons`. An environment for each Python lies in build/pythons/ and is made again only when the lock changes.
"""

import os
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

from tools.requirements import ROOT, RUN

TESTED = ("3.11", "3.12", "3.13", "3.14")
FOLDER = ROOT / "build" / "pythons"
_PYENV = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
# pyvips has no wheel, and needs no compiler where it has none.
_WHEELS_ONLY = ("--only-binary", ":all:", "--no-binary", "pyvips")
_UV = Path(sysconfig.get_path("scripts")) / "uv"


def main() -> int:
    """Check the wheel given by its path on every Python, and say which ones this machine lacks."""
    wheel = Path(sys.argv[1]).resolve()
    failed, missing = [], []
    for version in TESTED:
        if (python := find_python(version)) is None:
            missing.append(version)
        elif not _works(version, python, wheel):
            failed.append(version)
    tested = [version for version in TESTED if version not in (*failed, *missing)]
    print(f"The wheel works on Python {', '.join(tested) or 'none'}.")
    if missing:
        print(f"Not tested, as this machine lacks them: Python {', '.join(missing)}.")
    if failed:
        print(f"The wheel fails on Python {', '.join(failed)}.")
    return 1 if failed or not tested else 0


def find_python(version: str) -> str | None:
    """Return an interpreter of a version: of pyenv's, or else on PATH."""
    candidates = [*map(str, _PYENV.glob(f"{version}.*/bin/python")), shutil.which(f"python{version}")]
    return next((each for each in candidates if each and _is_version(each, version)), None)


def own_version() -> str:
    """Return the version of the Python that runs this."""
    return f"{sys.version_info.major}.{sys.version_info.minor}"


def environment(version: str, python: str) -> Path:
    """Return an environment that holds what the lock says, and make it unless it exists."""
    digest = sha256(RUN.read_bytes()).hexdigest()[:12]
    folder = FOLDER / f"{version}-{digest}"
    if (folder / ".done").exists():
        return folder
    for old in FOLDER.glob(f"{version}-*"):
        shutil.rmtree(old)
    _run(_UV, "venv", "--quiet", "--python", python, folder)
    _run(*_install(folder), "--require-hashes", *_WHEELS_ONLY, "--requirements", RUN)
    (folder / ".done").touch()
    return folder


def _works(version: str, python: str, wheel: Path) -> bool:
    print(f"Python {version}: {python}", flush=True)
    try:
        folder = environment(version, python)
        _run(*_install(folder), "--no-deps", "--reinstall", wheel)
        _run(_UV, "pip", "check", "--quiet", "--python", folder / "bin" / "python")
        # Not in this folder, whose sources Python would prefer.
        _run(folder / "bin" / "python", "-I", Path(__file__).with_name("import_all.py"), cwd=folder)
        _run(folder / "bin" / "lensfeed", "--help", cwd=folder)
    except subprocess.CalledProcessError as error:
        print(error.stdout.decode(), flush=True)
        return False
    return True


def _install(folder: Path) -> Iterator[str | Path]:
    yield from (_UV, "pip", "install", "--quiet", "--python", folder / "bin" / "python")


def _is_version(python: str, version: str) -> bool:
    """Return whether an interpreter runs and is of that version: pyenv's shims may do neither."""
    said = subprocess.run([python, "--version"], check=False, capture_output=True, text=True).stdout
    return said.startswith(f"Python {version}.")


def _run(*command: str | Path, cwd: Path = ROOT) -> None:
    environ = {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}
    subprocess.run(command, cwd=cwd, env=environ, check=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)


if __name__ == "__main__":
    sys.exit(main())
