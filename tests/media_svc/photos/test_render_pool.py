"""Tests of rendering in forks, and of forks that end badly."""

import asyncio
import contextlib
import functools
import os
import signal
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path

import psutil
import pytest
from PIL import Image

from media_svc.model import FailureReason, LargePictureError, MediaRejectedError
from media_svc.photos.render_pool import MIB, SMALL, RenderPool, open_render_pool
from media_svc.photos.renditions import RenderCrashedError, Rendered, read_outcome
from media_svc.sandbox.picture_manifest import ORIGINAL_NAME
from tests.media_svc import pictures
from tests.media_svc.command_lines import command_of

pytestmark = pytest.mark.slow

SMALL_PICTURE = pictures.encoded(pictures.quarters(), "image/jpeg")


@pytest.fixture
async def pool() -> AsyncIterator[RenderPool]:
    """Open a pool that renders two pictures at once."""
    async with open_render_pool(2) as pool:
        yield pool


async def _rendered(pool: RenderPool, folder: Path, original: bytes) -> Rendered:
    _put(folder, original)
    return await pool(folder, "image/jpeg")


def _put(folder: Path, original: bytes) -> None:
    folder.mkdir()
    (folder / ORIGINAL_NAME).write_bytes(original)


async def _until(holds: Callable[[], bool]) -> None:
    """Wait for a condition that has no event."""
    async with asyncio.timeout(30):
        while not holds():  # noqa: ASYNC110 - as above
            await asyncio.sleep(0.01)


@functools.cache
def _slow_jpeg() -> bytes:
    """Return a picture that keeps a fork busy for a second or more within its memory."""
    return pictures.encoded(pictures.noise(700, 700).resize((3900, 3000)), "image/jpeg", progressive=True)


def _fork_servers() -> list[psutil.Process]:
    children = psutil.Process().children()
    return [each for each in children if "media_svc.sandbox.fork_server" in command_of(each)]


def _alone() -> list[psutil.Process]:
    return [each for each in psutil.Process().children() if "media_svc.sandbox.render_process" in command_of(each)]


def _forks() -> list[psutil.Process]:
    return [fork for each in _fork_servers() for fork in each.children()]


async def _one_fork() -> psutil.Process:
    """Return the running fork."""
    await _until(lambda: bool(_forks()))
    return _forks()[0]


def _is_gone(process: psutil.Process) -> bool:
    try:
        return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


async def test_all_in_forks_of_one(pool: RenderPool, tmp_path: Path) -> None:
    """Each picture gets its own fork of one server, and no process is left at the end."""
    made = await asyncio.gather(*(_rendered(pool, tmp_path / str(number), SMALL_PICTURE) for number in range(5)))
    assert all(each.contents == made[0].contents and len(each.contents) == 3 for each in made)
    (process,) = _fork_servers()
    assert process.children() == []
    assert process.num_threads() == 1
    await pool.close()
    assert _fork_servers() == []


async def test_no_secrets(pool: RenderPool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The fork server and its forks know no settings, and forks cannot lift their limits."""
    monkeypatch.setenv("LENSFEED_S3_SECRET_KEY", "secret")
    task = asyncio.create_task(_rendered(pool, tmp_path / "one", _slow_jpeg()))
    fork = await _one_fork()
    assert not {name for name in fork.environ() if name.startswith("LENSFEED_")}
    assert any(name.startswith("LENSFEED_") for name in os.environ)
    await _until(lambda: fork.cwd() == str(tmp_path / "one"))
    await _until(lambda: fork.rlimit(psutil.RLIMIT_DATA) == (SMALL.memory_bytes, SMALL.memory_bytes))
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
    assert not fork.is_running()


async def test_too_slow(tmp_path: Path) -> None:
    """A fork that takes too long is killed, and later pictures are rendered."""
    async with open_render_pool(1, replace(SMALL, wall_seconds=0.3)) as pool:
        with pytest.raises(MediaRejectedError) as caught:
            await _rendered(pool, tmp_path / "slow", _slow_jpeg())
        assert caught.value.failure.reason is FailureReason.MEDIA_CORRUPT
        assert [each.children() for each in _fork_servers()] == [[]]


def test_killed_before_its_log(tmp_path: Path) -> None:
    """A process that is killed before it opens its log counts as too slow."""
    with pytest.raises(MediaRejectedError, match="too long"):
        read_outcome(tmp_path, -signal.SIGXCPU)


async def test_fork_server_killed(pool: RenderPool, tmp_path: Path) -> None:
    """If the fork server dies, its forks die, no picture is blamed, and the next picture starts a new one."""
    task = asyncio.create_task(_rendered(pool, tmp_path / "slow", _slow_jpeg()))
    fork = await _one_fork()
    _fork_servers()[0].kill()
    with pytest.raises(RenderCrashedError):
        await task
    await _until(lambda: _is_gone(fork))
    assert (await _rendered(pool, tmp_path / "next", SMALL_PICTURE)).contents


async def test_needs_more(pool: RenderPool, tmp_path: Path) -> None:
    """A picture whose header needs more memory than a fork has is rendered alone, without a fork server."""
    large = Image.new("RGB", (5200, 3200), "white")
    original = pictures.encoded(large, "image/jpeg", progressive=True, subsampling=0)
    assert len((await _rendered(pool, tmp_path / "large", original)).contents) == 12
    assert _fork_servers() == []
    assert (await _rendered(pool, tmp_path / "small", SMALL_PICTURE)).contents


async def test_many_pixels(pool: RenderPool, tmp_path: Path) -> None:
    """A picture with many pixels is not small. It is rendered in a fork, apart from small ones."""
    _put(tmp_path / "large", pictures.encoded(Image.new("RGB", (5200, 5000)), "image/jpeg"))
    with pytest.raises(LargePictureError):
        await pool.small(tmp_path / "large", "image/jpeg")
    (server,) = _fork_servers()
    assert (await pool.large(tmp_path / "large", "image/jpeg")).picture.width == 5200
    assert _fork_servers() == [server]


async def test_small_ones_pass(pool: RenderPool, tmp_path: Path) -> None:
    """A small picture interrupts one that is rendered alone, which is rendered afterwards."""
    noise = pictures.noise(900, 900).resize((5200, 3200))
    _put(tmp_path / "large", pictures.encoded(noise, "image/jpeg", progressive=True, subsampling=0))
    large = asyncio.create_task(pool.large(tmp_path / "large", "image/jpeg"))
    await _until(lambda: bool(_alone()))
    assert (await _rendered(pool, tmp_path / "small", SMALL_PICTURE)).contents
    assert not large.done()
    assert len((await large).contents) == 12
    assert _alone() == _fork_servers() == []


async def test_one_place(tmp_path: Path) -> None:
    """With one place, every large picture is rendered alone, where small ones can interrupt it."""
    async with open_render_pool(1) as pool:
        _put(tmp_path / "large", pictures.encoded(Image.new("RGB", (5200, 5000)), "image/jpeg"))
        assert (await pool.large(tmp_path / "large", "image/jpeg")).picture.width == 5200
        assert _fork_servers() == []


async def test_too_little_memory(tmp_path: Path) -> None:
    """A picture that turns out to need more memory than a fork has is rendered alone."""
    async with open_render_pool(2, replace(SMALL, memory_bytes=16 * MIB)) as pool:
        assert (await _rendered(pool, tmp_path / "one", SMALL_PICTURE)).contents
        assert _fork_servers() == []
