"""Session storage in files and in memory."""

import stat
import threading
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest
from lensfeed_client import FileSessions, MemorySessions, Session, Sessions

URL = "http://127.0.0.1:8080"
ADA = Session(URL, "ada", 7, "access", "refresh", datetime(2030, 1, 2, 3, 4, 5, 678000, tzinfo=UTC))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Return a path for sessions in a folder that does not exist yet."""
    return tmp_path / "state" / "sessions.json"


@pytest.fixture(params=["file", "memory"])
def sessions(request: pytest.FixtureRequest, file: Path) -> Sessions:
    """Each kind of storage in turn."""
    return FileSessions(file) if request.param == "file" else MemorySessions()


def test_each_mesh_has_its_own_session(sessions: Sessions) -> None:
    """Sessions are stored per mesh and load as they were saved, until they are forgotten."""
    other = Session("https://feed.example", "bob", 2**62, "", "", ADA.expires_at)
    assert sessions.load(URL) is None
    with sessions.locked():
        sessions.save(ADA)
        sessions.save(other)
    assert (sessions.load(URL), sessions.load(other.url)) == (ADA, other)
    with sessions.locked():
        sessions.forget(URL)
        sessions.forget(URL)
    assert (sessions.load(URL), sessions.load(other.url)) == (None, other)


def test_the_lock_is_exclusive(sessions: Sessions) -> None:
    """Only one thread at a time holds the lock."""
    inside: list[int] = []
    counts: list[int] = []

    def enter() -> None:
        for _ in range(3):
            with sessions.locked():
                inside.append(1)
                time.sleep(0.01)  # give the others a chance to enter
                counts.append(len(inside))
                inside.pop()

    threads = [threading.Thread(target=enter) for _ in range(3)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert counts == [1] * 9


def test_only_the_owner_can_read_the_file(file: Path) -> None:
    """The file, its lock and a new folder are private, and nothing else is left behind."""
    sessions = FileSessions(file)
    for token in ("one", "two"):
        with sessions.locked():
            sessions.save(Session(URL, "ada", 7, token, token, ADA.expires_at))
    assert {each.name for each in file.parent.iterdir()} == {file.name, f"{file.name}.lock"}
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700


@pytest.mark.parametrize("content", [b"", b"[]", b"{", b"\xff", f'{{"{URL}": {{"handle": "ada"}}}}'.encode()])
def test_a_damaged_file_counts_as_empty(file: Path, content: bytes) -> None:
    """With a damaged file, logging in again works."""
    file.parent.mkdir()
    file.write_bytes(content)
    sessions = FileSessions(file)
    assert sessions.load(URL) is None
    with sessions.locked():
        sessions.save(ADA)
    assert sessions.load(URL) == ADA


def test_tokens_are_not_shown() -> None:
    """A session's repr shows the handle but no token."""
    assert "ada" in repr(ADA)
    assert not {"access", "refresh"} & set(repr(ADA).replace("'", " ").replace(",", " ").split())
