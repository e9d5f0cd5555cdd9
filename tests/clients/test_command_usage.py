"""Command lines that need no mesh: wrong ones, servers that are not there, and completion."""

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
    """Give the command a home of its own."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.delenv("LENSFEED_URL", raising=False)
    return tmp_path


def refusal(*arguments: str) -> tuple[int, dict[str, object]]:
    """Run a command with --json that is refused; its exit code and the object on standard error."""
    done = CliRunner().invoke(app, [*arguments, "--json"])
    assert done.stdout == ""
    return done.exit_code, json.loads(done.stderr)


@pytest.mark.parametrize(
    "arguments",
    [("posts", "--limit", "101"), ("upload", "/nowhere/photo.jpg"), ("follow",), ("feed", "--nonsense")],
)
def test_a_wrong_command_line_is_told_as_json_too(arguments: Sequence[str]) -> None:
    """In the same shape as what a server refuses, with the usual code."""
    code, told = refusal(*arguments)
    assert code == 2
    assert set(told) == {"code", "reason", "message", "hint", "violations"}
    assert told["reason"] == "USAGE"


def test_where_nothing_listens_is_told_with_the_address() -> None:
    """And how to start a server, or name another."""
    code, told = refusal("feed", "--url", "http://127.0.0.1:1")
    assert (code, told["reason"]) == (1, "SERVER_UNREACHABLE")
    assert told["message"] == "nothing answers at http://127.0.0.1:1"
    assert "`lensfeed dev`" in str(told["hint"])
    assert "--url" in str(told["hint"])


@pytest.mark.parametrize(
    "url", ["localhost:8080", "ftp://host", "http://", "http://[", "http://host:port", "http://host/feed"]
)
def test_an_address_that_is_none_is_told(url: str) -> None:
    """Before anything is tried."""
    code, told = refusal("whoami", "--url", url)
    assert (code, told["reason"]) == (2, "URL_INVALID")


def test_what_was_remembered_and_is_damaged_is_no_trouble(home: Path) -> None:
    """The usual server is meant then."""
    (home / "state" / "lensfeed-client").mkdir(parents=True)
    (home / "state" / "lensfeed-client" / "last-url").write_bytes(b"\xff\x00")
    code, told = refusal("whoami")
    assert (code, told["reason"] in {"NOT_LOGGED_IN", "SERVER_UNREACHABLE"}) == (1, True)
    assert "http://127.0.0.1:8080" in str(told["message"])


def test_bash_completes_commands_options_and_files(home: Path) -> None:
    """By the script that the command prints for it."""
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
    assert file == ""  # bash's own then: it knows the files
    assert "-o default" in registered
