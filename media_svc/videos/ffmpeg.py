"""Find ffmpeg, and run it."""

import os
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

import imageio_ffmpeg  # type: ignore[import-untyped]  # it ships no types

from media_svc.sandbox.limited_process import ProcessLimits, run_limited
from media_svc.videos.probe_video import failure_of
from meshkit.settings import SettingsError

# Options of every run: no input, only errors in the log, and progress on standard output.
_QUIET = (
    "-nostdin",
    "-hide_banner",
    "-nostats",
    "-loglevel",
    "error",
    "-y",
    "-progress",
    "pipe:1",
    "-stats_period",
    "1",
)
# Microseconds of film written so far.
_DONE_FIELD = "out_time_us"
_ADVICE = (
    "the imageio-ffmpeg wheel has no ffmpeg for this machine; set LENSFEED_FFMPEG_BINARY to one with libx264 and aac, "
    "or set LENSFEED_VIDEO_CONCURRENCY to 0 on workers that process only photos"
)
# Called with the seconds of film written so far.
OnSeconds = Callable[[float], Awaitable[None]]


class FfmpegError(SettingsError):
    """ffmpeg cannot run. The message is for the person who started the process."""


def find_ffmpeg(override: Path | None) -> Path:
    """Return the ffmpeg of the settings, or that of the wheel. Raises FfmpegError."""
    if override is not None:
        if not os.access(override, os.X_OK) or override.is_dir():
            raise FfmpegError(f"LENSFEED_FFMPEG_BINARY: {override} is not an executable file")
        return override.absolute()
    try:
        return Path(imageio_ffmpeg.get_ffmpeg_exe()).absolute()
    except RuntimeError:
        raise FfmpegError(_ADVICE) from None


class Ffmpeg:
    """Runs ffmpeg, each time in a process with limits."""

    def __init__(self, binary: Path) -> None:
        self._binary = binary

    async def __call__(
        self, arguments: Sequence[str], folder: Path, limits: ProcessLimits, on_seconds: OnSeconds | None = None
    ) -> None:
        """Run in a folder. Raises MediaRejectedError if the film is to blame, RenderCrashedError if not."""

        async def on_line(line: str) -> None:
            name, _, value = line.partition("=")
            if on_seconds and name == _DONE_FIELD and value.isdecimal():
                await on_seconds(int(value) / 1_000_000)

        ended = await run_limited((str(self._binary), *_QUIET, *arguments), folder, limits, on_line)
        if ended.code != 0:
            raise failure_of(ended) from FfmpegFailedError(ended.log)


class FfmpegFailedError(Exception):
    """ffmpeg's error output, for logs only."""
