"""What keeps sessions: in a file and in memory."""

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
    """Give where sessions may be kept: in a folder that is not there yet."""
    return tmp_path / "state" / "sessions.json"


@pytest.fixture(params=["file", "memory"])
def sessions(request: pytest.FixtureRequest, file: Path) -> Sessions:
    """Give each kind in turn."""
    return FileSessions(file) if request.param == "file" else MemorySessions()


def test_a_session_for_each_mesh(sessions: Sessions) -> None:
    """What is saved is loaded as it was, one for each mesh; what is forgotten is gone."""
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


def test_one_at_a_time(sessions: Sessions) -> None:
    """Whoever holds the lock is alone, among threads that share the sessions."""
    inside: list[int] = []
    counts: list[int] = []

    def enter() -> None:
        for _ in range(3):
            with sessions.locked():
                inside.append(1)
                time.sleep(0.01)  # for the others to come in, if they can
                counts.append(len(inside))
                inside.pop()

    threads = [threading.Thread(target=enter) for _ in range(3)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert counts == [1] * 9


def test_only_its_owner_reads_the_file(file: Path) -> None:
    """Neither the file nor the lock beside it, nor the folder that was made for it, is open to others; nothing else is left."""
    sessions = FileSessions(file)
    for token in ("one", "two"):
        with sessions.locked():
            sessions.save(Session(URL, "ada", 7, token, token, ADA.expires_at))
    assert {each.name for each in file.parent.iterdir()} == {file.name, f"{file.name}.lock"}
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700


@pytest.mark.parametrize("content", [b"", b"[]", b"{", b"\xff", f'{{"{URL}": {{"handle": "ada"}}}}'.encode()])
def test_a_damaged_file_is_an_empty_one(file: Path, content: bytes) -> None:
    """Whoever finds nonsense logs in again, and it works."""
    file.parent.mkdir()
    file.write_bytes(content)
    sessions = FileSessions(file)
    assert sessions.load(URL) is None
    with sessions.locked():
        sessions.save(ADA)
    assert sessions.load(URL) == ADA


def test_tokens_are_not_shown() -> None:
    """A session in a log or a traceback tells who, and gives nobody a token."""
    assert "ada" in repr(ADA)
    assert not {"access", "refresh"} & set(repr(ADA).replace("'", " ").replace(",", " ").split())
