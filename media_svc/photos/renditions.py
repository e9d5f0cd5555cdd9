"""Render a picture in its own process, and accept only results that can be trusted."""

import asyncio
import hashlib
import os
import signal
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from media_svc.model import AnimatedPictureError, FailureReason, MediaRejectedError, Picture, Rendition
from media_svc.sandbox.picture_manifest import LOG_NAME, MANIFEST_NAME, Manifest, PictureEntry, RenditionEntry
from media_svc.sandbox.recipes import Recipe

_ROOT = Path(__file__).resolve().parents[2]
# 128 bits of SHA-256: short, and no collisions.
_NAME_DIGITS = 32
_LOG_TAIL_BYTES = 2000


@dataclass(frozen=True, slots=True)
class RenderLimits:
    """What rendering one picture may cost. Memory is what the process writes to; library code adds 20 MiB.

    A `niceness` above 0 lowers its priority.
    """

    memory_bytes: int = 330 * 1024**2
    # The largest allowed picture takes half of it. Uploaders of worse ones get an answer within ten seconds.
    cpu_seconds: int = 9
    wall_seconds: float = 50.0
    threads: int = 2
    niceness: int = 0


# For pictures that were decoded before. The worst case, noise with the most pixels, takes less than half of it.
BACKGROUND_LIMITS = RenderLimits(
    memory_bytes=330 * 1024**2, cpu_seconds=150, wall_seconds=900.0, threads=1, niceness=15
)


@dataclass(frozen=True, slots=True)
class Rendered:
    """A picture and the bytes of its renditions by name."""

    picture: Picture
    contents: Mapping[str, bytes]


class RenderCrashedError(Exception):
    """The render process failed, but not because of the picture. Trying again may help."""


async def render(folder: Path, content_type: str, limits: RenderLimits, recipe: Recipe = Recipe.FIRST) -> Rendered:
    """Make the renditions of the file `original` in a private folder. Leaves files there, but no process.

    Raises MediaRejectedError if the picture can never be served, AnimatedPictureError if it is animated, RenderCrashedError if
    the fault is not its own.
    """
    return read_outcome(folder, await run_alone(folder, content_type, limits, recipe))


async def run_alone(folder: Path, content_type: str, limits: RenderLimits, recipe: Recipe = Recipe.FIRST) -> int:
    """Render in a process started for this picture. Returns its exit code, or minus the signal."""
    code = await _run(folder, content_type, limits, recipe)
    if code == -signal.SIGSEGV:
        # Try twice before blaming the picture: a process can also crash before it reads any.
        code = await _run(folder, content_type, limits, recipe)
    return code


def read_outcome(folder: Path, code: int) -> Rendered:
    """Return what a render process left in its folder, given its exit code. Raises as `render` does."""
    if code != 0:
        raise _failure_of(code, _log_tail(folder))
    manifest = Manifest.model_validate_json((folder / MANIFEST_NAME).read_bytes())
    if manifest.failure:
        raise MediaRejectedError(manifest.failure.reason, manifest.failure.message)
    if manifest.is_animated:
        raise AnimatedPictureError
    if manifest.picture is None:
        raise RenderCrashedError("The manifest is empty.")
    return _collect(folder, manifest.picture)


async def _run(folder: Path, content_type: str, limits: RenderLimits, recipe: Recipe) -> int:
    """Return the exit code, or minus the signal. The process is killed on timeout or cancellation."""
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
    """Return the environment of a render process: none of our settings, as it reads untrusted bytes."""
    return {
        "HOME": str(folder),
        "LC_ALL": "C.UTF-8",
        # Each thread's arena reserves 64 MB of the address space that the limit counts.
        "MALLOC_ARENA_MAX": "2",
        "PATH": os.defpath,
        "PYTHONPATH": str(_ROOT),
        # Import nothing from the folder: an earlier process may have been taken over and have written there.
        "PYTHONSAFEPATH": "1",
        "TMPDIR": str(folder),
        "VIPS_CONCURRENCY": str(threads),
    }


def _failure_of(code: int, log: str) -> Exception:
    """Return MediaRejectedError if the picture broke its decoder, RenderCrashedError if our code failed.

    Our own failures end with a positive code and a traceback.
    """
    if code > 0:
        return RenderCrashedError(f"The render process ended with {code}: {log}")
    if code == -signal.SIGXCPU:
        return MediaRejectedError(FailureReason.MEDIA_CORRUPT, "Decoding it takes too long.")
    # The kernel kills for memory; glib and C++ abort and log an allocation failure.
    if code == -signal.SIGKILL or "alloc" in log:
        return MediaRejectedError(FailureReason.MEDIA_TOO_LARGE, "Decoding it needs too much memory.")
    return MediaRejectedError(FailureReason.MEDIA_CORRUPT, "The file cannot be decoded.")


def _log_tail(folder: Path) -> str:
    """Return the end of the log. On a busy machine a process may be killed before it opens its log."""
    if not (folder / LOG_NAME).exists():
        return ""
    return (folder / LOG_NAME).read_bytes()[-_LOG_TAIL_BYTES:].decode(errors="replace")


def _collect(folder: Path, entry: PictureEntry) -> Rendered:
    """Read the files and name them by their hash, so that a name always means the same bytes."""
    files = [(each, (folder / each.file).read_bytes()) for each in entry.renditions]
    renditions = tuple(_rendition(each, content) for each, content in files)
    thumbhash = bytes.fromhex(entry.thumbhash)
    taken_at, offset = entry.taken_at, entry.taken_at_offset
    picture = Picture(entry.width, entry.height, thumbhash, renditions, taken_at, offset)
    names = (each.name for each in renditions)
    return Rendered(picture, dict(zip(names, (content for _, content in files), strict=True)))


def _rendition(entry: RenditionEntry, content: bytes) -> Rendition:
    name = hashlib.sha256(content).hexdigest()[:_NAME_DIGITS] + Path(entry.file).suffix
    return Rendition(name, entry.content_type, entry.width, entry.height, len(content))
