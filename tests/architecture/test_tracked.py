"""What is kept in the repository."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.architecture.source import ROOT

REGISTRIES = (
    *("pypi org", "files pythonhosted org", "registry npmjs org", "registry yarnpkg com", "repo maven apache org"),
    *("repo1 maven org", "proxy golang org", "static crates io", "index crates io"),
)


def test_no_tracked_file_names_a_machine_or_registry() -> None:
    """No tracked file names a folder of a developer's machine or the host of a package registry."""
    hosts = [re.escape(host.replace(" ", ".")) for host in REGISTRIES]
    private = re.compile("|".join([r"(?<![\w.])/" + "work/", *hosts]))
    files = _tracked()
    assert len(files) > 100
    found = [
        f"{file}:{number}: {line.strip()}"
        for file in files
        for number, line in enumerate(_text(ROOT / file).splitlines(), start=1)
        if private.search(line)
    ]
    assert found == []


def _tracked() -> list[Path]:
    git = shutil.which("git")
    if git is None or not (ROOT / ".git").exists():
        pytest.skip("this is no checkout: nothing tells what is tracked")
    listed = subprocess.run([git, "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True).stdout.decode()
    return [Path(name) for name in listed.split("\0") if name and (ROOT / name).is_file()]


def _text(file: Path) -> str:
    return file.read_text(errors="replace")
