"""Turn an animated picture into a silent film, in a sandboxed process."""

import sys
from pathlib import Path

from media_svc.confinement.confine import STARTING_PYTHON
from media_svc.model import MediaRejectedError
from media_svc.sandbox.film_manifest import ANIMATION_NAME, PROBE_NAME, ProbeManifest
from media_svc.sandbox.limited_process import ProcessLimits, run_limited
from media_svc.sandbox.picture_manifest import ORIGINAL_NAME
from media_svc.videos.probe_video import failure_of

# Every frame is decoded and encoded once; the most pixels take about half of the CPU time.
LIMITS = ProcessLimits(memory_bytes=2 * 1024**3, cpu_seconds=180, wall_seconds=900, niceness=10)
# What the animation becomes.
FILM_TYPE = "video/mp4"


async def unpack_animation(folder: Path, content_type: str, limits: ProcessLimits = LIMITS) -> None:
    """Replace the animated picture `original` in a private folder by a film of FILM_TYPE.

    Raises MediaRejectedError if it can never be served, RenderCrashedError if the fault is not its own.
    """
    command = (sys.executable, "-m", "media_svc.sandbox.animation_process", str(folder), content_type)
    ended = await run_limited(command, folder, limits, readable=STARTING_PYTHON)
    if ended.code != 0:
        raise failure_of(ended)
    manifest = ProbeManifest.model_validate_json((folder / PROBE_NAME).read_bytes())
    if manifest.failure:
        raise MediaRejectedError(manifest.failure.reason, manifest.failure.message)
    (folder / ANIMATION_NAME).replace(folder / ORIGINAL_NAME)
