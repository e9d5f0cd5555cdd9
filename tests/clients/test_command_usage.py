"""Command lines that need no mesh: usage errors, unreachable servers, and completion."""

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
from lensfeed_client.commands.app import app
from typer.testing import CliRunner

PROGRAMS = Path(sys.executable).parent


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a home folder for the command."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.delenv("LENSFEED_URL", raising=False)
    return tmp_path


def run_refused(*arguments: str) -> tuple[int, dict[str, object]]:
    """Run a command with --json that fails; return its exit code and the object on standard error."""
    done = CliRunner().invoke(app, [*arguments, "--json"])
    assert done.stdout == ""
    return done.exit_code, json.loads(done.stderr)


@pytest.mark.parametrize(
    "arguments",
    [("posts", "--limit", "101"), ("upload", "/nowhere/photo.jpg"), ("follow",), ("feed", "--nonsense")],
)
def test_usage_errors_can_be_json(arguments: Sequence[str]) -> None:
    """Usage errors have the same JSON shape as errors of the server, and exit code 2."""
    code, error = run_refused(*arguments)
    assert code == 2
    assert set(error) == {"code", "reason", "message", "hint", "violations"}
    assert error["reason"] == "USAGE"


def test_an_unreachable_server_is_named() -> None:
    """The error names the server and suggests starting one or choosing another."""
    code, error = run_refused("feed", "--url", "http://127.0.0.1:1")
    assert (code, error["reason"]) == (1, "SERVER_UNREACHABLE")
    assert error["message"] == "nothing answers at http://127.0.0.1:1"
    assert "`lensfeed dev`" in str(error["hint"])
    assert "--url" in str(error["hint"])


@pytest.mark.parametrize(
    "url", ["localhost:8080", "ftp://host", "http://", "http://[", "http://host:port", "http://host/feed"]
)
def test_an_invalid_url_is_refused(url: str) -> None:
    """An invalid URL is refused before any connection attempt."""
    code, error = run_refused("whoami", "--url", url)
    assert (code, error["reason"]) == (2, "URL_INVALID")


def test_damaged_state_is_ignored(home: Path) -> None:
    """With a damaged state file the default server is used."""
    (home / "state" / "lensfeed-client").mkdir(parents=True)
    (home / "state" / "lensfeed-client" / "last-url").write_bytes(b"\xff\x00")
    code, error = run_refused("whoami")
    assert (code, error["reason"] in {"NOT_LOGGED_IN", "SERVER_UNREACHABLE"}) == (1, True)
    assert "http://127.0.0.1:8080" in str(error["message"])


def test_bash_completes_commands_options_and_files(home: Path) -> None:
    """The printed completion script completes commands, options and files."""
    (home / "photo.jpg").touch()
    script = """
        source <(lensfeed --show-completion bash)
        function complete_line() {
            COMP_WORDS=("$@"); COMP_CWORD=$(( $# - 1 ))
            _lensfeed_completion lensfeed
            echo "${COMPREPLY[*]}"
        }
        complete_line lensfeed fol
        complete_line lensfeed feed --cu
        complete_line lensfeed post ph
        complete -p lensfeed
    """
    environment = {
        "PATH": f"{PROGRAMS}:/usr/bin:/bin",
        "HOME": str(home),
        "_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "1",
    }
    done = subprocess.run(
        ["bash", "-c", script], env=environment, cwd=home, capture_output=True, text=True, check=True, timeout=60
    )
    follow, cursor, file, registered = done.stdout.splitlines()
    assert follow.split() == ["follow"]
    assert cursor.split() == ["--cursor"]
    assert file == ""  # left to bash, which completes files
    assert "-o default" in registered
