"""Find out what a film is, in a sandboxed process."""

import sys
from fractions import Fraction
from pathlib import Path

from media_svc.confinement.confine import STARTING_PYTHON
from media_svc.model import FailureReason, MediaRejectedError
from media_svc.photos.renditions import RenderCrashedError
from media_svc.sandbox.film_manifest import PROBE_NAME, FilmEntry, ProbeManifest
from media_svc.sandbox.limited_process import ProcessLimits, ProcessResult, run_limited
from media_svc.videos.rules import Colours, Film

# It reads every packet, up to 4 GB from disk, and decodes one frame.
PROBE_LIMITS = ProcessLimits(memory_bytes=2 * 1024**3, cpu_seconds=20, wall_seconds=60, file_bytes=1024**2)


async def probe_video(folder: Path, content_type: str, limits: ProcessLimits = PROBE_LIMITS) -> Film:
    """Return the properties of the film `original` in a private folder.

    Raises MediaRejectedError if it can never be served, RenderCrashedError if the fault is not its own.
    """
    command = (sys.executable, "-m", "media_svc.sandbox.probe_process", str(folder), content_type)
    ended = await run_limited(command, folder, limits, readable=STARTING_PYTHON)
    if ended.code != 0:
        raise failure_of(ended)
    manifest = ProbeManifest.model_validate_json((folder / PROBE_NAME).read_bytes())
    if manifest.failure:
        raise MediaRejectedError(manifest.failure.reason, manifest.failure.message)
    if manifest.film is None:
        raise RenderCrashedError("The manifest is empty.")
    return _film_of(manifest.film, content_type)


def _film_of(entry: FilmEntry, content_type: str) -> Film:
    facts = entry.model_dump()
    converted = {"frame_rate": Fraction(entry.frame_rate), "colours": Colours(**facts["colours"])}
    return Film(**(facts | converted), content_type=content_type)


def failure_of(ended: ProcessResult) -> Exception:
    """Return the error for a failed process: the film's fault, unless our own code left a traceback."""
    if ended.is_out_of_time:
        return MediaRejectedError(FailureReason.MEDIA_CORRUPT, "Decoding it takes too long.")
    if ended.is_out_of_memory:
        return MediaRejectedError(FailureReason.MEDIA_TOO_LARGE, "Decoding it needs too much memory.")
    if ended.code > 0 and "Traceback" in ended.log:
        return RenderCrashedError(f"The process ended with {ended.code}: {ended.log}")
    return MediaRejectedError(FailureReason.MEDIA_CORRUPT, "The file cannot be decoded.")
