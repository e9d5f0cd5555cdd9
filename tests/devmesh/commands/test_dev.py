"""`lensfeed dev` with all services."""

import asyncio
import contextlib
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Callable, Coroutine
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest
import pytest_asyncio

pytestmark = pytest.mark.mesh

START_SECONDS = 260
ACCOUNT = {"handle": "kept.safe", "displayName": "Kept", "password": "a long password"}

Start = Callable[..., Coroutine[Any, Any, Process]]


@pytest_asyncio.fixture
async def start() -> AsyncIterator[Start]:
    """Return a function that runs `lensfeed dev` on a free port. Meshes are killed after the test."""
    started = []

    async def run(data: Path, *arguments: str) -> Process:
        command = (sys.executable, "-m", "devmesh", "dev", "--data", str(data), "--port", "0", *arguments)
        started.append(await asyncio.create_subprocess_exec(*command, stdout=PIPE, stderr=PIPE, start_new_session=True))
        return started[-1]

    yield run
    for process in started:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.communicate()


async def ready_url(mesh: Process) -> str:
    """Read the output up to the line `ready` and return the URL of the edge."""
    assert mesh.stdout is not None
    async with asyncio.timeout(START_SECONDS):
        async for line in mesh.stdout:
            if line.startswith(b"ready "):
                return line.decode().split()[1]
    raise AssertionError((await mesh.communicate())[1].decode())


def processes_of(data: Path) -> list[str]:
    """List the processes whose working directory is in a data folder: all parts of its mesh."""
    return [process.name() for process in psutil.process_iter() if _works_in(process, data)]


async def test_a_mesh_stops_cleanly_and_keeps_its_data(tmp_path: Path, start: Start) -> None:
    """Ctrl-C stops every process with exit code 0, and the next run has the same accounts."""
    mesh = await start(tmp_path)
    url = await ready_url(mesh)
    async with httpx.AsyncClient(base_url=url, timeout=30) as app:
        assert (await app.get("/healthz")).status_code == 200
        assert (await app.post("/users", json=ACCOUNT)).status_code == 200
    assert {"envoy", "valkey-server", "weed"} < set(processes_of(tmp_path))
    mesh.send_signal(signal.SIGINT)
    assert await mesh.wait() == 0
    assert processes_of(tmp_path) == []

    log_in = (
        "import os, json, urllib.request as r; body = json.dumps({'handle': 'kept.safe', 'password': 'a long password'});"
        "q = r.Request(os.environ['LENSFEED_URL'] + '/sessions', body.encode(), {'Content-Type': 'application/json'});"
        "print(json.load(r.urlopen(q))['user']['handle'], bool(os.environ['LENSFEED_FEED_ADDR'])); raise SystemExit(7)"
    )
    again = await start(tmp_path, "--exec", f'python -c "{log_in}"')
    async with asyncio.timeout(START_SECONDS):
        output, errors = await again.communicate()
    assert output.decode().splitlines()[-1:] == ["kept.safe True"], errors.decode()
    assert output.decode().splitlines()[-2].startswith("ready http://127.0.0.1:")
    assert again.returncode == 7
    assert processes_of(tmp_path) == []


async def test_two_meshes_are_independent(tmp_path: Path, start: Start) -> None:
    """Two meshes use different ports. Killing one ends all of its parts and none of the other's."""
    meshes = [await start(tmp_path / name) for name in ("one", "two")]
    _, url = await asyncio.gather(*(ready_url(mesh) for mesh in meshes))
    third = await start(tmp_path / "two")
    _, errors = await third.communicate()
    assert third.returncode == 1
    assert b"already running on" in errors
    meshes[0].kill()
    await meshes[0].wait()
    async with asyncio.timeout(60):
        while processes_of(tmp_path / "one"):  # noqa: ASYNC110 - the kernel kills them a moment later
            await asyncio.sleep(0.1)
    async with httpx.AsyncClient(base_url=url, timeout=30) as app:
        assert (await app.get("/healthz")).status_code == 200
    meshes[1].terminate()
    assert await meshes[1].wait() == 0


def _works_in(process: psutil.Process, data: Path) -> bool:
    try:
        return process.status() != psutil.STATUS_ZOMBIE and Path(process.cwd()).is_relative_to(data)
    except psutil.Error:
        return False
