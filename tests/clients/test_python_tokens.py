"""Access tokens of the Python client: renewed in time, one refresh at a time."""

import asyncio
import contextlib
import sys
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import grpc
import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from lensfeed.user.v1.user_pb2 import User
from lensfeed.user.v1.user_service_pb2 import RefreshSessionResponse
from lensfeed_client import AsyncLensfeed, FileSessions, LensfeedError, MemorySessions, Session
from lensfeed_client.sessions.tokens import Refresh, Tokens

from devmesh.ports import address, free_ports
from tests.blackbox.mesh import Mesh
from tests.clients.python_people import corrupt, let_expire, new_user, stored

PROCESSES = 3
ROUNDS = 4


@pytest.mark.mesh
@pytest.mark.parametrize("damage", [let_expire, corrupt])
async def test_a_token_is_renew(mesh: Mesh, damage: object) -> None:
    """An expiring token is renewed before the call, a refused one after it, and the call succeeds."""
    assert callable(damage)
    sessions = MemorySessions()
    async with AsyncLensfeed(mesh.url, sessions=sessions) as feed:
        handle = (await new_user(feed, "ada")).handle
        before = damage(sessions, mesh.url)
        assert (await feed.whoami()).handle == handle
    after = stored(sessions, mesh.url)
    assert after.refresh_token not in {before.refresh_token, ""}
    assert after.expires_at > before.expires_at or before.access_token == "corrupt"


@pytest.mark.mesh
async def test_many_tasks_refresh_once(mesh: Mesh) -> None:
    """Many calls with a refused token share one refresh, and the session lives."""
    sessions = MemorySessions()
    async with AsyncLensfeed(mesh.url, sessions=sessions) as feed, AsyncLensfeed(mesh.url, sessions=sessions) as other:
        await new_user(feed, "ada")
        corrupt(sessions, mesh.url)
        await asyncio.gather(*(each.whoami() for each in (feed, other) for _ in range(10)))
        let_expire(sessions, mesh.url)
        await feed.whoami()
    assert stored(sessions, mesh.url).access_token != "corrupt"


@pytest.mark.mesh
async def test_processes_share_a_session(mesh: Mesh, tmp_path: Path) -> None:
    """Processes that refresh one session at the same moment keep the session."""
    file = tmp_path / "sessions.json"
    sessions = FileSessions(file)
    async with AsyncLensfeed(mesh.url, sessions=sessions) as feed:
        await new_user(feed, "ada")
        first = stored(sessions, mesh.url)
        command = (sys.executable, "-m", "tests.clients.refresh_again", mesh.url, str(file))
        running = [await asyncio.create_subprocess_exec(*command, stdin=PIPE, stdout=PIPE) for _ in range(PROCESSES)]
        for _ in range(ROUNDS):
            corrupt(sessions, mesh.url)
            for each in running:
                assert each.stdin is not None
                each.stdin.write(b"now\n")
            assert [await _line(each) for each in running] == [first.handle] * PROCESSES
        for each in running:
            assert each.stdin is not None
            each.stdin.close()
            assert await each.wait() == 0
        last = let_expire(sessions, mesh.url)
        assert (await feed.whoami()).handle == first.handle
    assert len({first.refresh_token, last.refresh_token, stored(sessions, mesh.url).refresh_token}) == 3


@pytest.mark.mesh
async def test_an_ended_session_is_forgotten(mesh: Mesh, tmp_path: Path) -> None:
    """When the mesh says that a session has ended, the client raises that and deletes the session."""
    sessions = FileSessions(tmp_path / "sessions.json")
    async with AsyncLensfeed(mesh.url, sessions=sessions) as feed:
        await new_user(feed, "ada")
        old = corrupt(sessions, mesh.url)
        with sessions.locked():
            sessions.save(replace(old, refresh_token="nonsense"))
        with pytest.raises(LensfeedError) as refusal:
            await feed.whoami()
    assert (refusal.value.code, refusal.value.reason) == (grpc.StatusCode.UNAUTHENTICATED, "TOKEN_INVALID")
    assert sessions.load(mesh.url) is None


@pytest.mark.slow
async def test_an_unreachable_mesh_keeps_the_token() -> None:
    """If nothing listens, the refresh token was never sent and stays valid."""
    url, sessions = f"http://{address(free_ports(1)[0])}", MemorySessions()
    sessions.save(_session(url))
    session = let_expire(sessions, url)
    async with AsyncLensfeed(url, sessions=sessions, timeout=5) as feed:
        with pytest.raises(LensfeedError) as failure:
            await feed.whoami()
    assert failure.value.code is grpc.StatusCode.UNAVAILABLE
    assert sessions.load(url) == session


@pytest.mark.parametrize(
    ("code", "reason", "is_kept"),
    [
        (grpc.StatusCode.RESOURCE_EXHAUSTED, "RATE_LIMITED", True),
        (grpc.StatusCode.UNAVAILABLE, "UNAVAILABLE", True),
        (grpc.StatusCode.UNAVAILABLE, "OUTCOME_UNKNOWN", True),
        (grpc.StatusCode.UNAVAILABLE, "", True),
        (grpc.StatusCode.DEADLINE_EXCEEDED, "", True),
        (grpc.StatusCode.INTERNAL, "INTERNAL", True),
        (grpc.StatusCode.UNAUTHENTICATED, "TOKEN_INVALID", False),
    ],
)
async def test_a_token_is_kept_until_it_is_refused(code: grpc.StatusCode, reason: str, *, is_kept: bool) -> None:
    """If a refresh got no answer, the same token is sent again, because the mesh answers it again. A refused one is not."""
    sent: list[str] = []
    sessions, error = MemorySessions(), LensfeedError(code, reason, "")
    sessions.save(_session("http://mesh"))
    tokens = Tokens(sessions, "http://mesh", lambda: _refreshing(sent, error))
    for _ in range(2):
        with pytest.raises(LensfeedError) as failure:
            await tokens.renew("access")
    assert sent == ["refresh"] * (2 if is_kept else 1)
    assert failure.value.reason == (reason if is_kept else "TOKEN_MISSING")


async def test_a_cancelled_call_keeps_the_refreshed_token() -> None:
    """A refresh continues when its caller is cancelled, and its answer is stored."""
    sent, until_sent = list[str](), asyncio.Event()
    sessions = MemorySessions()
    sessions.save(_session("http://mesh"))
    tokens = Tokens(sessions, "http://mesh", lambda: _refreshing(sent, until_sent=until_sent))
    caller = asyncio.create_task(tokens.renew("access"))
    await until_sent.wait()
    caller.cancel()
    await asyncio.wait([caller])
    await tokens.close()
    assert caller.cancelled()
    assert stored(sessions, "http://mesh").refresh_token == "new refresh"


def _refreshing(
    sent: list[str], error: LensfeedError | None = None, until_sent: asyncio.Event | None = None
) -> AbstractAsyncContextManager[Refresh]:
    """Return a connection whose refresh records the token and answers, or fails."""

    async def refresh(token: str) -> RefreshSessionResponse:
        sent.append(token)
        if until_sent:
            until_sent.set()
        await asyncio.sleep(0.05)
        if error:
            raise error
        return RefreshSessionResponse(
            access_token="new", refresh_token="new refresh", expires_at=Timestamp(seconds=2**31), user=User(user_id=7)
        )

    @contextlib.asynccontextmanager
    async def connection() -> AsyncIterator[Refresh]:
        yield refresh

    return connection()


def _session(url: str) -> Session:
    return Session(url, "ada", 7, "access", "refresh", datetime.now(UTC) + timedelta(hours=1))


async def _line(process: asyncio.subprocess.Process) -> str:
    assert process.stdout is not None
    return (await process.stdout.readline()).decode().strip()
