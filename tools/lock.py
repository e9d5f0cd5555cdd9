"""Write the locks: every package that setup.cfg leads to, with its version and hashes, for all Pythons and platforms at once.

`make lock` writes them; `python -m tools.lock check` compares them with setup.cfg, without a network.
"""

import subprocess
import sys
import sysconfig
from collections.abc import Sequence
from pathlib import Path

from tools.requirements import DEV, ROOT, RUN, dev_requirements, digest, run_requirements

OLDEST = "3.11"
_MARK = "# Requirements: "
_HEAD = """\
# Written by `make lock`, never by hand. {role}
# pip install --require-hashes -r {file}
"""


def main() -> int:
    """Write the locks, or check them."""
    if sys.argv[1:] == ["check"]:
        return _check()
    upgrade = sys.argv[1:]
    _write(DEV, dev_requirements(), "For building, checking and testing lensfeed.", *upgrade)
    # The same versions as those that are tested. tools/roles.py reads who needs what.
    _write(RUN, run_requirements(), "For running lensfeed.", "--constraint", str(DEV))
    return 0


def _check() -> int:
    wanted = {RUN: run_requirements(), DEV: dev_requirements()}
    stale = [path for path, requirements in wanted.items() if _marker(requirements) not in _text(path)]
    for path in stale:
        print(f"{path.relative_to(ROOT)} is not of setup.cfg's requirements: run `make lock`")
    return 1 if stale else 0


def _write(path: Path, requirements: Sequence[str], role: str, *options: str) -> None:
    compiled = subprocess.run(
        [
            *(Path(sysconfig.get_path("scripts")) / "uv", "pip", "compile", "--quiet", "--universal"),
            *("--generate-hashes", "--no-header", "--annotation-style", "line", "--python-version", OLDEST),
            *("--output-file", str(path), *options, "-"),
        ],
        input="\n".join(requirements),
        text=True,
        check=False,
        stdout=subprocess.DEVNULL,
    )
    compiled.check_returncode()
    head = _HEAD.format(role=role, file=path.relative_to(ROOT))
    path.write_text(f"{head}{_marker(requirements)}\n{_text(path)}")


def _marker(requirements: Sequence[str]) -> str:
    return f"{_MARK}{digest(requirements)}"


def _text(path: Path) -> str:
    return path.read_text() if path.exists() else ""


if __name__ == "__main__":
    sys.exit(main())
