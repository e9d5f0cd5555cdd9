"""A decoder that a hostile file has taken over.

Before: it read the S3 secret in the worker's environment and the token key, and spoke to Valkey.
Now: it reaches nothing but its own folder.
"""

import asyncio
import contextlib
import ctypes
import json
import os
import sys
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from devmesh.parts.bucket import S3
from media_svc.confinement.confine import STARTING_PYTHON, missing_protections
from media_svc.photos.renditions import environment
from media_svc.sandbox.limited_process import ProcessLimits, run_limited
from media_svc.sandbox.private_folder import ORIGINAL_NAME
from meshkit.main import hide_from_other_processes

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(bool(missing_protections()), reason="this system cannot confine processes"),
]

PROGRAM = (sys.executable, "-m", "tests.attacks.captured_decoder")
LIMITS = ProcessLimits(2 * 1024**3, cpu_seconds=30, wall_seconds=60)
PR_GET_DUMPABLE = 3


@pytest.fixture
async def folder(tmp_path: Path, valkey_url: str, s3: S3) -> AsyncIterator[Path]:
    """Provide a decoder's folder among things worth taking: this process plays the worker."""
    own = tmp_path / "own"
    for each in (own, tmp_path / "other"):
        each.mkdir()
    for name in ("key", f"other/{ORIGINAL_NAME}", f"own/{ORIGINAL_NAME}"):
        (tmp_path / name).write_bytes(b"secret")
    admin = await asyncio.start_unix_server(lambda *_: None, tmp_path / "admin.sock")
    sleeper = await asyncio.create_subprocess_exec("sleep", "600")
    targets = {
        "worker": os.getpid(),
        "traced": sleeper.pid,
        "key": str(tmp_path / "key"),
        "other": str(tmp_path / "other" / ORIGINAL_NAME),
        "outside": str(tmp_path / "outside"),
        "own": str(own),
        "unix": str(tmp_path / "admin.sock"),
        "valkey": _address_of(valkey_url),
        "s3": _address_of(s3.endpoint_url),
    }
    (own / "targets.json").write_text(json.dumps(targets))
    async with admin:
        yield own
    sleeper.kill()
    await sleeper.wait()


def _address_of(url: str) -> tuple[str | None, int | None]:
    parts = urlsplit(url)
    return parts.hostname, parts.port


def _taken(folder: Path) -> list[str]:
    return list(json.loads((folder / "taken.json").read_text()))


@pytest.mark.parametrize("place", ["ffmpeg", "probe", "animation"])
async def test_films(folder: Path, place: str) -> None:
    """A captured ffmpeg, prober or reader of animations takes nothing."""
    await run_limited((*PROGRAM, place, str(folder)), folder, LIMITS, readable=STARTING_PYTHON)
    assert _taken(folder) == []


async def test_photo_alone(folder: Path) -> None:
    """A captured decoder in its own process takes nothing."""
    await _ended(await asyncio.create_subprocess_exec(*PROGRAM, "render", folder, env=environment(folder, 1)))
    assert _taken(folder) == []


async def test_photo_in_a_fork(folder: Path) -> None:
    """A captured decoder in a fork takes nothing."""
    process = await asyncio.create_subprocess_exec(
        *(*PROGRAM, "fork", folder), env=environment(folder, 1), stdin=PIPE, stdout=PIPE
    )
    job = {"number": 1, "folder": str(folder), "content_type": "image/jpeg", "memory_bytes": 140 * 1024**2}
    if process.stdin and process.stdout:
        limits = {"cpu_seconds": 9, "decoder_limit": 2**40, "pixel_limit": 2**40}
        process.stdin.write(json.dumps(job | limits).encode() + b"\n")
        assert json.loads(await process.stdout.readline())["number"] == 1
        process.stdin.close()
    await _ended(process)
    assert _taken(folder) == []


async def test_nothing_is_imported_from_the_folder(folder: Path) -> None:
    """A module that a captured decoder left in its folder is not run by the next process there."""
    (folder / "media_svc.py").write_text("open('imported', 'w')")
    await run_limited((*PROGRAM, "ffmpeg", str(folder)), folder, LIMITS, readable=STARTING_PYTHON)
    await _ended(
        await asyncio.create_subprocess_exec(*PROGRAM, "render", folder, cwd=folder, env=environment(folder, 1))
    )
    assert not (folder / "imported").exists()


async def test_processes_hide_their_secrets() -> None:
    """A service's process closes its environment and memory to other processes of its user."""
    program = (
        f"import ctypes; from {hide_from_other_processes.__module__} import {hide_from_other_processes.__name__} as hide; "
        f"hide(); print(ctypes.CDLL(None).prctl({PR_GET_DUMPABLE}))"
    )
    assert ctypes.CDLL(None).prctl(PR_GET_DUMPABLE) == 1
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", program, stdout=PIPE)
    out, _ = await process.communicate()
    assert out == b"0\n"


async def _ended(process: asyncio.subprocess.Process) -> None:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(60):
            await process.wait()
