"""Photo rendering alone and by a whole worker, compared with the same libvips calls in one process."""

import contextlib
import os
import shutil
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import psutil
import pyvips

from bench import machine
from bench.environments import Answering, answering
from bench.figures import Figure, Goal, Sample
from bench.harness import Run
from bench.media_worker import MediaWorker, running_media_worker
from devmesh.parts.seaweed import running_seaweed
from devmesh.parts.valkey import running_valkey
from media_svc.model import Media, MediaState
from media_svc.photos.render_pool import SMALL, RenderPool, open_render_pool
from media_svc.sandbox.picture_manifest import ORIGINAL_NAME

CONTENT_TYPE = "image/jpeg"
# A phone's photo: 12 megapixels.
WIDTH, HEIGHT = 4032, 3024
# Photos per sample, and per turn of a whole worker.
PHOTOS = 20
BATCH = 10
GOAL = Goal("at least", 0.85)
# Generous, so that a busy machine does not cause failures.
LIMITS = replace(SMALL, cpu_seconds=120, wall_seconds=300)
_ROOT = str(Path(__file__).parent.parent)


async def measure(run: Run) -> Sequence[Figure]:
    """Measure photos per second on one core."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        photo = folder / "photo.jpg"
        _some_photo(photo)
        async with _bare(photo) as bare:
            run.say("rendering alone")
            rendering = await _measure_rendering(run, photo, bare)
            run.say("a worker's process")
            working, cpu = await _measure_worker(run, folder, photo.read_bytes(), bare)
        size = f"{photo.stat().st_size / 1_000_000:.1f} MB"
    photos = f"A phone's photo ({WIDTH} x {HEIGHT}, {size} of JPEG) into AVIF, WebP and JPEG of four widths on one core"
    each = f"{photos}, each in a limited process that ends with it, names and checks included"
    worker = (
        f"{photos} by a process of `media_svc work`: from the queue through S3 and the store to READY, with S3, Redis "
        "and the uploads on another core"
    )
    alone = "against the same libvips calls in one process"
    return [
        Figure("photos", f"{each}, {alone}", "photos/s", rendering, "rendering", "libvips alone", GOAL),
        Figure("photos_worker", f"{worker}, {alone}", "photos/s", working, "worker", "libvips alone", GOAL),
        Figure(
            "photos_worker_cpu",
            "CPU time of all of its processes for a photo, the same runs",
            "ms",
            cpu,
            "worker",
            "libvips alone",
        ),
    ]


async def _measure_rendering(run: Run, photo: Path, bare: Answering) -> list[Sample]:
    with machine.on_cores(machine.MEASURED):
        async with open_render_pool(1, LIMITS) as pool:
            return await run.rounds(partial(_one_round, partial(_rendered, pool, photo), bare.ask, run.size(PHOTOS, 2)))


async def _measure_worker(run: Run, folder: Path, photo: bytes, bare: Answering) -> tuple[list[Sample], list[Sample]]:
    """Measure a worker and plain libvips in turn, on the same core.

    Returns photos per second and CPU milliseconds per photo.
    """
    batch, turns = run.size(BATCH, 4), run.size(PHOTOS // BATCH, 1)
    cpu: list[Sample] = []
    with machine.on_cores(machine.OTHERS):
        async with (
            running_valkey(folder / "valkey") as redis_url,
            running_seaweed(folder / "seaweed") as s3,
            running_media_worker(folder, redis_url, s3) as worker,
        ):
            machine.pin(worker.pid, machine.MEASURED)

            async def one_round() -> Sample:
                before, seconds = (_cpu_seconds(worker.pid), _cpu_seconds(bare.pid)), [0.0, 0.0]
                for _ in range(turns):
                    media = [await worker.upload(photo, CONTENT_TYPE) for _ in range(batch)]
                    seconds[0] += await _seconds(partial(_worked, worker, media))
                    seconds[1] += await _seconds(partial(_several, bare.ask, batch))
                after = (_cpu_seconds(worker.pid), _cpu_seconds(bare.pid))
                each = [(end - start) / (batch * turns) * 1000 for start, end in zip(before, after, strict=True)]
                cpu.append((each[0], each[1]))
                return batch * turns / seconds[0], batch * turns / seconds[1]

            return await run.rounds(one_round), cpu[1:]


def _cpu_seconds(pid: int) -> float:
    """Return the CPU time of a process and all its descendants."""
    process = psutil.Process(pid)
    return sum(sum(each.cpu_times()[:4]) for each in (process, *process.children(recursive=True)))


async def _worked(worker: MediaWorker, media: Sequence[Media]) -> None:
    worker.announce(media)
    if not all(each.state is MediaState.READY for each in await worker.settled(media)):
        raise RuntimeError("the worker did not finish all photos")


async def _several(work: Callable[[], Awaitable[object]], count: int) -> None:
    for _ in range(count):
        await work()


async def _seconds(work: Callable[[], Awaitable[object]]) -> float:
    start = time.perf_counter()
    await work()
    return time.perf_counter() - start


async def _one_round(
    ours: Callable[[], Awaitable[object]], bare: Callable[[], Awaitable[object]], photos: int
) -> Sample:
    """Measure both in turn, so that disturbances affect both."""
    seconds = [0.0, 0.0]
    for _ in range(photos):
        for number, work in enumerate((ours, bare)):
            seconds[number] += await _seconds(work)
    return photos / seconds[0], photos / seconds[1]


async def _rendered(pool: RenderPool, photo: Path) -> None:
    with tempfile.TemporaryDirectory() as folder:
        shutil.copyfile(photo, Path(folder) / ORIGINAL_NAME)
        await pool(Path(folder), CONTENT_TYPE)


@contextlib.asynccontextmanager
async def _bare(photo: Path) -> AsyncIterator[Answering]:
    """Start the baseline process. It renders one photo per line of input."""
    environment = {**os.environ, "PYTHONPATH": _ROOT, "VIPS_CONCURRENCY": str(LIMITS.threads)}
    command = (sys.executable, "-m", "bench.bare_photos", str(photo), CONTENT_TYPE)
    async with answering(*command, env=environment) as bare:
        machine.pin(bare.pid, machine.MEASURED)
        yield bare


def _some_photo(path: Path) -> None:
    """Write a photo of soft shapes with sensor noise."""
    shapes = [pyvips.Image.perlin(WIDTH, HEIGHT, cell_size=size, uchar=True, seed=size) for size in (512, 384, 256)]
    grain = pyvips.Image.gaussnoise(WIDTH, HEIGHT, mean=0, sigma=6, seed=1)
    picture = shapes[0].bandjoin(shapes[1:]) + grain
    picture.cast("uchar").copy(interpretation="srgb").jpegsave(str(path), Q=92)
