"""Make a picture's renditions in a process of their own, and bring back only what can be trusted."""

import asyncio
import hashlib
import os
import signal
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from media_svc.model import FailureReason, MediaRejectedError, Picture, Rendition
from media_svc.sandbox.picture_manifest import LOG_NAME, MANIFEST_NAME, Manifest, PictureEntry, RenditionEntry
from media_svc.sandbox.recipes import Recipe

_ROOT = Path(__file__).resolve().parents[2]
# 128 bits of SHA-256: two files with one name are not to be feared, and a name stays short.
_NAME_DIGITS = 32
_LOG_TAIL_BYTES = 2000


@dataclass(frozen=True, slots=True)
class RenderLimits:
    """What one picture may cost. Memory is what the process itself writes to; code of libraries comes on top, 20 MiB.

    Above 0, `niceness` yields the processor to others.
    """

    memory_bytes: int = 330 * 1024**2
    # A picture of the most pixels takes half of it; who uploads a worse one hears of it within ten seconds.
    cpu_seconds: int = 9
    wall_seconds: float = 50.0
    threads: int = 2
    niceness: int = 0


# What could be decoded once can be again. The worst, noise of the most pixels that are made better, takes less than half of it.
PATIENT = RenderLimits(memory_bytes=330 * 1024**2, cpu_seconds=150, wall_seconds=900.0, threads=1, niceness=15)


@dataclass(frozen=True, slots=True)
class Rendered:
    """A picture and the bytes of its renditions, by their names."""

    picture: Picture
    contents: Mapping[str, bytes]


class RenderCrashedError(Exception):
    """The render process failed by no fault of the picture. Trying again may help."""


async def render(folder: Path, content_type: str, limits: RenderLimits, recipe: Recipe = Recipe.FIRST) -> Rendered:
    """Make the renditions of the file `original` in a private folder; other files appear there, and no process is left.

    Raises MediaRejectedError where the picture can never be served, RenderCrashedError where the fault is not its own.
    """
    return outcome(folder, await run_alone(folder, content_type, limits, recipe))


async def run_alone(folder: Path, content_type: str, limits: RenderLimits, recipe: Recipe = Recipe.FIRST) -> int:
    """Render in a process that is started for it. Returns the exit code, or minus the signal."""
    code = await _run(folder, content_type, limits, recipe)
    if code == -signal.SIGSEGV:
        # Before it is blamed on the picture: a process can also die of what happened before it read any.
        code = await _run(folder, content_type, limits, recipe)
    return code


def outcome(folder: Path, code: int) -> Rendered:
    """Return what a render process has left in its folder, given its exit code or minus its signal. Raises as `render` does."""
    if code != 0:
        raise _verdict(code, _log_tail(folder))
    manifest = Manifest.model_validate_json((folder / MANIFEST_NAME).read_bytes())
    if manifest.failure:
        raise MediaRejectedError(manifest.failure.reason, manifest.failure.message)
    if manifest.picture is None:
        raise RenderCrashedError("The manifest is empty.")
    return _collect(folder, manifest.picture)


async def _run(folder: Path, content_type: str, limits: RenderLimits, recipe: Recipe) -> int:
    """Return the exit code, or minus the signal. A process that outstays the time, or this call, is killed."""
    command = ["-m", "media_svc.sandbox.render_process", str(folder), content_type, recipe]
    with (folder / LOG_NAME).open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *command,
            str(limits.memory_bytes),
            str(limits.cpu_seconds),
            str(limits.niceness),
            cwd=folder,
            env=environment(folder, limits.threads),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        async with asyncio.timeout(limits.wall_seconds):
            return await process.wait()
    except TimeoutError:
        return -signal.SIGXCPU
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


def environment(folder: Path, threads: int) -> dict[str, str]:
    """Return all that a render process needs to know: nothing of ours, as its bytes come from strangers."""
    return {
        "HOME": str(folder),
        "LC_ALL": "C.UTF-8",
        # Each thread's arena reserves 64 MB of the address space that the limit counts.
        "MALLOC_ARENA_MAX": "2",
        "PATH": os.defpath,
        "PYTHONPATH": str(_ROOT),
        "TMPDIR": str(folder),
        "VIPS_CONCURRENCY": str(threads),
    }


def _verdict(code: int, log: str) -> Exception:
    """Tell a picture that broke its decoder from a mistake of ours, which ends with a positive code and a traceback."""
    if code > 0:
        return RenderCrashedError(f"The render process ended with {code}: {log}")
    if code == -signal.SIGXCPU:
        return MediaRejectedError(FailureReason.MEDIA_CORRUPT, "Decoding it takes too long.")
    # The kernel kills for memory; glib and C++ abort with a word about it.
    if code == -signal.SIGKILL or "alloc" in log:
        return MediaRejectedError(FailureReason.MEDIA_TOO_LARGE, "Decoding it needs too much memory.")
    return MediaRejectedError(FailureReason.MEDIA_CORRUPT, "The file cannot be decoded.")


def _log_tail(folder: Path) -> str:
    return (folder / LOG_NAME).read_bytes()[-_LOG_TAIL_BYTES:].decode(errors="replace")


def _collect(folder: Path, entry: PictureEntry) -> Rendered:
    """Read the files and name them by what they hold, so that a name never changes its meaning and caches keep it."""
    files = [(each, (folder / each.file).read_bytes()) for each in entry.renditions]
    renditions = tuple(_rendition(each, content) for each, content in files)
    picture = Picture(entry.width, entry.height, bytes.fromhex(entry.thumbhash), renditions)
    names = (each.name for each in renditions)
    return Rendered(picture, dict(zip(names, (content for _, content in files), strict=True)))


def _rendition(entry: RenditionEntry, content: bytes) -> Rendition:
    name = hashlib.sha256(content).hexdigest()[:_NAME_DIGITS] + Path(entry.file).suffix
    return Rendition(name, entry.content_type, entry.width, entry.height, len(content))
