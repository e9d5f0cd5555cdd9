"""Tests of bad pictures: refused within bounded time and memory, with nothing left behind."""

import asyncio
import contextlib
import functools
import io
import os
import zipfile
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
from PIL import Image

from media_svc.model import FailureReason, MediaRejectedError
from media_svc.photos.renditions import RenderCrashedError, RenderLimits, render
from media_svc.sandbox.read_picture import MAX_FRAMES
from tests.media_svc import pictures
from tests.media_svc.command_lines import command_of

pytestmark = pytest.mark.slow

BEHIND = b"PK\x03\x04" + b"evil.js" * 40
FOREIGN = {
    "gif and script": b"GIF89a/*" + bytes(20) + b"*/=1;alert(1)//",
    "gif": b"GIF89a\x01\x00\x01\x00\x00\x00\x00;",
    "svg": b'<svg xmlns="http://www.w3.org/2000/svg"><image href="file:///etc/passwd"/></svg>',
    "magick": b"push graphic-context\nfill 'url(https://localhost/a.png)'\npop graphic-context",
    "pdf": b"%PDF-1.4\n1 0 obj",
    "nothing": b"",
}
FILM = [pictures.quarters(64, 64).rotate(90 * index) for index in range(MAX_FRAMES + 1)]


async def _reason(
    folder: Path, original: bytes, content_type: str, limits: RenderLimits | None = None
) -> FailureReason:
    with pytest.raises(MediaRejectedError) as caught:
        await pictures.rendered(folder, original, content_type, limits)
    assert str(folder) not in caught.value.failure.message
    return caught.value.failure.reason


@functools.cache
def _heavy_jpeg() -> bytes:
    """Return a picture just below the pixel limit whose 300 MB of coefficients take seconds to decode."""
    return pictures.encoded(
        pictures.noise(700, 700).resize((7000, 7000)), "image/jpeg", progressive=True, subsampling=0
    )


_shared: set[psutil.Process] = set()


@pytest.fixture(autouse=True, scope="module")
def _note_shared_servers() -> None:
    """Note the processes that run before any picture is rendered."""
    _shared.update(psutil.Process().children(recursive=True))


def _processes() -> list[psutil.Process]:
    """Return the child processes, except servers that tests share."""
    children = psutil.Process().children(recursive=True)
    return [each for each in children if each.name().startswith("python") and each not in _shared]


async def _all_gone() -> None:
    """Wait until the last render process has exited and been reaped."""
    async with asyncio.timeout(10):
        while _processes():  # noqa: ASYNC110 - the kernel has no event to wait for
            await asyncio.sleep(0.01)


async def test_other_type(tmp_path: Path) -> None:
    """A picture of another type than declared is refused."""
    original = pictures.encoded(pictures.quarters(), "image/png")
    assert await _reason(tmp_path, original, "image/jpeg") is FailureReason.TYPE_MISMATCH


@pytest.mark.parametrize("content_type", pictures.FORMATS)
@pytest.mark.parametrize("part", [0.05, 0.5, 0.98])
async def test_truncated(tmp_path: Path, content_type: str, part: float) -> None:
    """A truncated file is refused, even if its header and most pixels are fine."""
    original = pictures.encoded(pictures.noise(200, 200), content_type)
    assert await _reason(tmp_path, original[: int(len(original) * part)], content_type) is FailureReason.MEDIA_CORRUPT


async def test_truncated_progressive_jpeg(tmp_path: Path) -> None:
    """A progressive JPEG without its last scans is refused, although it would only look blurred."""
    original = pictures.encoded(pictures.noise(200, 200), "image/jpeg", progressive=True)
    assert await _reason(tmp_path, original[: len(original) * 9 // 10], "image/jpeg") is FailureReason.MEDIA_CORRUPT


async def test_damaged_png(tmp_path: Path) -> None:
    """Pixels with a wrong checksum are refused."""
    original = bytearray(pictures.encoded(pictures.noise(200, 200), "image/png"))
    original[len(original) // 2] ^= 0xFF
    assert await _reason(tmp_path, bytes(original), "image/png") is FailureReason.MEDIA_CORRUPT


def _archive() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("evil.js", b"alert(1)" * 40)
    return file.getvalue()


@pytest.mark.parametrize("content_type", pictures.FORMATS)
async def test_picture_and_archive(tmp_path: Path, content_type: str) -> None:
    """A picture that is also a ZIP archive is refused."""
    original = pictures.encoded(pictures.quarters(), content_type) + _archive()
    assert zipfile.is_zipfile(io.BytesIO(original))
    assert await _reason(tmp_path, original, content_type) is FailureReason.TYPE_MISMATCH


@pytest.mark.parametrize("content_type", pictures.FORMATS)
@pytest.mark.parametrize("kind", FOREIGN)
async def test_unsupported_types(tmp_path: Path, content_type: str, kind: str) -> None:
    """A script in a GIF, an SVG, a PDF and an empty file are refused as any type."""
    assert await _reason(tmp_path, FOREIGN[kind], content_type) is FailureReason.TYPE_MISMATCH


async def test_hidden_data(tmp_path: Path) -> None:
    """Scripts in comments and data that cameras append are harmless, and in no rendition."""
    original = pictures.encoded(pictures.quarters(), "image/jpeg", comment=b"<script>alert(1)</script>") + BEHIND
    made = await pictures.rendered(tmp_path, original, "image/jpeg")
    assert made.contents
    assert not any(words in each for each in made.contents.values() for words in (b"evil.js", b"<script>"))


async def test_endless_scans(tmp_path: Path) -> None:
    """A small progressive JPEG with a thousand scans is stopped."""
    original = pictures.encoded(Image.new("RGB", (4000, 4000)), "image/jpeg", progressive=True)
    scan = original[original.rindex(b"\xff\xda") : -2]
    bomb = original[:-2] + scan * 1000 + original[-2:]
    limits = RenderLimits(cpu_seconds=3)
    assert await _reason(tmp_path, bomb, "image/jpeg", limits) is FailureReason.MEDIA_CORRUPT
    await _all_gone()


@pytest.mark.parametrize("side", [(8_000, 7_000), (30_000, 30_000), (2_000_000, 2_000_000)])
async def test_bomb(tmp_path: Path, side: tuple[int, int]) -> None:
    """A PNG header with too many pixels is refused within a thousandth of the memory it claims."""
    original = pictures.png_header(*side)
    assert len(original) < 200
    assert await _reason(tmp_path, original, "image/png") is FailureReason.MEDIA_TOO_LARGE


async def test_jpeg_bomb(tmp_path: Path) -> None:
    """A JPEG header with too many pixels is refused."""
    original = bytearray(pictures.encoded(pictures.quarters(), "image/jpeg"))
    frame = original.index(b"\xff\xc0")
    original[frame + 5 : frame + 9] = b"\xff\x00\xff\x00"
    assert await _reason(tmp_path, bytes(original), "image/jpeg") is FailureReason.MEDIA_TOO_LARGE


@pytest.mark.parametrize("content_type", ["image/heic", "image/avif"])
async def test_heif_bomb(tmp_path: Path, content_type: str) -> None:
    """A HEIF header with too many pixels is refused."""
    original = bytearray(pictures.encoded(pictures.quarters(), content_type))
    extents = original.index(b"ispe") + 8
    original[extents : extents + 8] = (40_000).to_bytes(4, "big") * 2
    assert await _reason(tmp_path, bytes(original), content_type) is FailureReason.MEDIA_TOO_LARGE


async def test_too_many_pictures(tmp_path: Path) -> None:
    """A HEIC with too many pictures is refused."""
    burst = pictures.encoded(FILM[0], "image/heic", save_all=True, append_images=FILM[1:])
    assert await _reason(tmp_path, burst, "image/heic") is FailureReason.MEDIA_TOO_LARGE


async def test_too_little_memory(tmp_path: Path) -> None:
    """A picture that exceeds the memory limit is too large, not corrupt."""
    limits = RenderLimits(memory_bytes=200 * 1024**2)
    assert await _reason(tmp_path, _heavy_jpeg(), "image/jpeg", limits) is FailureReason.MEDIA_TOO_LARGE
    await _all_gone()


@pytest.mark.parametrize("limits", [RenderLimits(cpu_seconds=1), RenderLimits(wall_seconds=0.3)], ids=["cpu", "wall"])
async def test_too_slow(tmp_path: Path, limits: RenderLimits) -> None:
    """A picture that takes too long is stopped, and its process is gone."""
    assert await _reason(tmp_path, _heavy_jpeg(), "image/jpeg", limits) is FailureReason.MEDIA_CORRUPT
    await _all_gone()


async def _started(task: "asyncio.Task[object]") -> psutil.Process:
    """Wait for a task's render process to run Python, and return it."""
    while not task.done():
        for child in _processes():
            if "media_svc.sandbox.render_process" in command_of(child):
                return child
        await asyncio.sleep(0.01)
    raise AssertionError("the picture was ready before its process was seen")


@pytest.fixture
def slow_picture(tmp_path: Path) -> Callable[[], "asyncio.Task[object]"]:
    """Provide a function that starts rendering a picture that takes seconds."""
    return lambda: asyncio.create_task(pictures.rendered(tmp_path, _heavy_jpeg(), "image/jpeg"))


async def test_cancelled(slow_picture: Callable[[], "asyncio.Task[object]"]) -> None:
    """A worker stopped during a picture leaves no process behind."""
    task = slow_picture()
    await _started(task)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await _all_gone()


async def test_killed(slow_picture: Callable[[], "asyncio.Task[object]"]) -> None:
    """A process killed by the kernel means that the picture is too large."""
    task = slow_picture()
    (await _started(task)).kill()
    with pytest.raises(MediaRejectedError) as caught:
        await task
    assert caught.value.failure.reason is FailureReason.MEDIA_TOO_LARGE


async def test_no_secrets(slow_picture: Callable[[], "asyncio.Task[object]"], monkeypatch: pytest.MonkeyPatch) -> None:
    """The render process knows none of our settings."""
    monkeypatch.setenv("LENSFEED_S3_SECRET_KEY", "secret")
    task = slow_picture()
    child = await _started(task)
    assert not {name for name in child.environ() if name.startswith("LENSFEED_")}
    assert any(name.startswith("LENSFEED_") for name in os.environ)
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


async def test_own_mistake(tmp_path: Path) -> None:
    """Without a file, no fault is put on the picture."""
    with pytest.raises(RenderCrashedError):
        await render(tmp_path, "image/jpeg", RenderLimits())
