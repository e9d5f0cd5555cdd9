"""`lensfeed logs` on log files as the parts of a mesh write them."""

import asyncio
import json
import os
import sys
from asyncio.subprocess import PIPE
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

from devmesh.__main__ import app
from devmesh.logs.files import LogFile
from devmesh.logs.record import read_record
from tests.clients.pseudo_terminal import at_terminal

LIMIT_SECONDS = 30.0
POST = """\
2026-11-30T10:00:02.000000Z [info     ] serving                        address=127.0.0.1:1
2026-11-30T10:00:04.000000Z [error    ] process_failed                 request_id=7f0c2a4e
Traceback (most recent call last):
  File "a.py", line 8, in <module>
ValueError: no
"""
FEED = """\
{"event": "serving", "level": "info", "timestamp": "2026-11-30T10:00:01.000000Z", "address": "127.0.0.1:2"}
{"event": "slow", "level": "warning", "timestamp": "2026-11-30T10:00:03.000000Z", "request_id": "event-1"}
{"event": "cut of
"""
BROKEN = '{"event": "cut of'


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Return the data folder of a mesh that has stopped."""
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / "post-serve.log").write_text(POST)
    (tmp_path / "logs" / "feed-work.log").write_text(FEED)
    return tmp_path


def logs(data: Path, *arguments: str) -> list[str]:
    """Run the command. Returns its lines without repeated spaces."""
    result = CliRunner().invoke(app, ["logs", "--data", str(data), *arguments])
    assert result.exit_code == 0, result.output
    return [" ".join(line.split()) for line in result.stdout.splitlines()]


def test_logs_are_merged_by_time(data: Path) -> None:
    """Records of all parts are ordered by time; a broken line is shown as it is, after the record before it."""
    assert logs(data) == [
        "2026-11-30T10:00:01.000Z feed-work info serving address=127.0.0.1:2",
        "2026-11-30T10:00:02.000Z post-serve info serving address=127.0.0.1:1",
        "2026-11-30T10:00:03.000Z feed-work warning slow request_id=event-1",
        f"2026-11-30T10:00:03.000Z feed-work {BROKEN}",
        "2026-11-30T10:00:04.000Z post-serve error process_failed request_id=7f0c2a4e",
        "2026-11-30T10:00:04.000Z post-serve error Traceback (most recent call last):",
        '2026-11-30T10:00:04.000Z post-serve error File "a.py", line 8, in <module>',
        "2026-11-30T10:00:04.000Z post-serve error ValueError: no",
    ]


def test_filters(data: Path) -> None:
    """Level, text, service and age restrict what is shown. A record is shown whole, or not at all."""
    assert [line.split()[2] for line in logs(data, "--level", "warning")][:2] == [
        "warning",
        BROKEN.split(maxsplit=1)[0],
    ]
    assert len(logs(data, "--level", "error")) == 5
    assert len(logs(data, "--grep", "ValueError")) == 4
    assert len(logs(data, "--grep", "7f0c2a4e")) == 4
    assert {line.split()[1] for line in logs(data, "feed-work")} == {"feed-work"}
    recent = datetime.now(UTC) - timedelta(minutes=5)
    with (data / "logs" / "edge.log").open("w") as log:
        log.write(f"2026-11-30T10:00:01.000000Z [info     ] old\n{recent:%Y-%m-%dT%H:%M:%S.%fZ} [info     ] new\n")
    assert [line.split()[3] for line in logs(data, "edge", "--since", "10m")] == ["new"]
    assert logs(data, "edge", "--since", "4m") == []


def test_json_has_the_fields_of_the_log(data: Path) -> None:
    """--json prints an object a record, with the fields of a line that was JSON."""
    found = [json.loads(line) for line in logs(data, "--json")]
    assert found[2] == {
        **json.loads(FEED.splitlines()[1]),
        "time": "2026-11-30T10:00:03.000Z",
        "service": "feed-work",
        "text": "slow request_id=event-1",
    }
    assert (found[3]["text"], found[3]["level"]) == (BROKEN, None)
    assert found[4]["text"].endswith("\nValueError: no")


def test_an_unknown_service_is_an_error(data: Path) -> None:
    """The error lists the services that have a log. So does a folder without logs, and a wrong age."""
    result = CliRunner().invoke(app, ["logs", "--data", str(data), "pots-serve"])
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == "lensfeed: no log of pots-serve; there are feed-work, post-serve\n"
    result = CliRunner().invoke(app, ["logs", "--data", str(data / "other")])
    assert (result.exit_code, result.stderr.partition(";")[0]) == (1, f"lensfeed: no logs in {data / 'other'}")
    assert CliRunner().invoke(app, ["logs", "--data", str(data), "--since", "soon"]).exit_code == 2


@pytest.mark.parametrize(
    ("line", "level", "text"),
    [
        ("17077:M 30 Nov 2026 10:00:01.250 # Low memory", "warning", "Low memory"),
        ("W1130 10:00:01.250000 master.go:209 Start", "warning", "master.go:209 Start"),
        ("[watermill] 2026/11/30 10:00:01.250000 a.go:2: level=INFO x=1", "info", "a.go:2: level=INFO x=1"),
        ("2026-11-30T10:00:01.250 info edge exiting", "info", "exiting"),
        ("2026-11-30 10:00:01,250 WARN  [main] Startup: x", "warning", "[main] Startup: x"),
    ],
)
def test_lines_of_servers(line: str, level: str, text: str) -> None:
    """Lines of Valkey, SeaweedFS, Envoy and Cassandra have local times and levels."""
    record = read_record(line)
    assert record
    assert (record.level, record.text) == (level, text)
    local = record.time.astimezone()
    assert (local.month, local.day, local.hour, local.second, local.microsecond) == (11, 30, 10, 1, 250_000)


def test_failed_calls_of_the_edge_are_errors() -> None:
    """A line of the access log is an error if the server failed."""
    call = {"time": "2026-11-30T10:00:01.250Z", "status": 200, "path": "/feed"}
    levels = [read_record(json.dumps(call | more)) for more in ({}, {"status": 503}, {"grpc_status": "UNAVAILABLE"})]
    assert [record and record.level for record in levels] == ["info", "error", "error"]


def test_a_rotated_log_is_read_from_its_start(tmp_path: Path) -> None:
    """An unfinished line waits until it is whole, and a new file in place of the old one is read."""
    path = tmp_path / "edge.log"
    path.write_text("first\nsec")
    log = LogFile(path)
    assert [record.text for _, record in log.read_new()] == ["first"]
    with path.open("a") as file:
        file.write("ond\n")
    assert [record.text for _, record in log.read_new()] == ["second"]
    path.rename(tmp_path / "edge.log.1")
    path.write_text("third, of a new file\n")
    assert [record.text for _, record in log.read_new()] == ["third, of a new file"]


@pytest.mark.slow
async def test_follow_shows_new_lines_and_new_parts(data: Path) -> None:
    """--follow continues with what is logged from then on, also by a part that starts later."""
    command = (sys.executable, "-m", "devmesh", "logs", "--follow", "--data", str(data))
    process = await asyncio.create_subprocess_exec(*command, stdout=PIPE)
    assert process.stdout
    try:
        async with asyncio.timeout(LIMIT_SECONDS):
            await process.stdout.readuntil(b"ValueError: no\n")
            (data / "logs" / "edge.log").write_text("2026-11-30T10:00:09.000000Z [info     ] late\n")
            assert (await process.stdout.readline()).split()[1:] == [b"edge", b"info", b"late"]
            process.terminate()
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


@pytest.mark.slow
async def test_a_terminal_gets_colors_and_no_control_characters(data: Path) -> None:
    """On a terminal parts and levels have colors, with NO_COLOR none; a log cannot send its own escape codes."""
    (data / "logs" / "edge.log").write_text("2026-11-30T10:00:09.000000Z [error    ] bad \x1b[2J\n")
    command = (sys.executable, "-m", "devmesh", "logs", "--data", str(data), "edge")
    env = {name: value for name, value in os.environ.items() if name != "NO_COLOR"} | {"TERM": "xterm-256color"}
    colored = await at_terminal(command, env, {})
    assert "\x1b[31m" in colored.screen
    assert "\x1b[2J" not in colored.screen
    plain = await at_terminal(command, env | {"NO_COLOR": "1"}, {})
    assert (plain.code, "\x1b" in plain.screen) == (0, False)
    assert "bad \\x1b[2J" in plain.screen
