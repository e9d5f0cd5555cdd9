"""Runs commands of documentation pages in bash against a running mesh."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
from filelock import FileLock

ROOT = Path(__file__).parent.parent
# Between the outputs of two blocks.
RULE = "──── next block ────"
SCRIPT_SECONDS = 240
# A cold build of grpcurl compiles a gRPC of its own.
BUILD_SECONDS = 900


def section(page: str, title: str) -> str:
    """Return a section of a page, up to the next one of its level."""
    _, _, rest = (ROOT / page).read_text().partition(f"\n## {title}\n")
    assert rest, title
    return rest.partition("\n## ")[0]


def blocks(text: str, kind: str = "bash") -> list[str]:
    """Return the blocks of one kind in a text."""
    return re.findall(rf"^```{kind}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def run_blocks(script_blocks: list[str], environment: Mapping[str, str], programs: str = "") -> list[str]:
    """Run blocks in one bash, where all commands must succeed. Returns the output of each."""
    assert script_blocks
    script = "set -eu -o pipefail\n" + f"echo '{RULE}'\n".join(script_blocks)
    outer = {name: value for name, value in os.environ.items() if not name.startswith("LENSFEED_")}
    done = subprocess.run(
        # Readers have .venv; use the environment of this test.
        ["bash", "-c", script.replace(".venv/bin/", f"{Path(sys.executable).parent}/")],
        cwd=ROOT,
        env={**outer, "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}", **environment},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        # Capture stderr together with stdout.
        stderr=subprocess.STDOUT,
        text=True,
        timeout=SCRIPT_SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout.split(f"{RULE}\n")


def grpcurl_folder(config: pytest.Config) -> str:
    """Find grpcurl, or build it once as in the README. Skips the test without Go, except in CI."""
    if found := shutil.which("grpcurl"):
        return str(Path(found).parent)
    if not shutil.which("go"):
        assert not os.environ.get("CI"), "CI runs the grpcurl commands of the documentation: install Go"
        pytest.skip("the grpcurl commands are not tried: this machine has neither grpcurl nor Go to build it")
    assert config.cache is not None
    folder = config.cache.mkdir("gobin")
    install = re.search(r"`(go install \S+)`", (ROOT / "README.md").read_text())
    assert install is not None
    with FileLock(folder / "building"):
        if not (folder / "grpcurl").exists():
            environment = {**os.environ, "GOBIN": str(folder)}
            subprocess.run(install[1].split(), env=environment, check=True, timeout=BUILD_SECONDS)
    return str(folder)
