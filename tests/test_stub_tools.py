"""Missing tools for generating stubs are reported."""

import shutil
import subprocess
from pathlib import Path

SCRIPT = Path(__file__).parent / "need_stub_tools.sh"


def need(path: Path, *languages: str) -> subprocess.CompletedProcess[str]:
    """Ask on a machine that has only what lies in a folder."""
    command = ("/bin/sh", str(SCRIPT), *languages)
    return subprocess.run(command, env={"PATH": str(path)}, capture_output=True, text=True, check=False)


def program(path: Path, says: str) -> None:
    """Write a program that prints one line, whatever it is asked."""
    path.write_text(f"#!/bin/sh\necho {says}\n")
    path.chmod(0o755)


def test_each_missing_tool_is_named_with_a_remedy(tmp_path: Path) -> None:
    """Without any tool it fails, and says for each language what to install."""
    answer = need(tmp_path)
    assert answer.returncode == 1
    for words in (
        "need Go: install Go",
        "need a Java compiler: install a JDK",
        "need Maven",
        "need Node.js and npm: install",
    ):
        assert words in answer.stderr


def test_an_old_tool_is_refused(tmp_path: Path) -> None:
    """An old Node.js is refused with its version; a new one is accepted."""
    for tool in ("sort", "head"):
        (tmp_path / tool).symlink_to(shutil.which(tool) or tool)
    program(tmp_path / "npm", "11.0.0")
    program(tmp_path / "node", "v18.20.4")
    assert "need Node.js 20, not 18.20.4" in need(tmp_path, "typescript").stderr
    program(tmp_path / "node", "v100.0.0")
    assert need(tmp_path, "typescript").returncode == 0
