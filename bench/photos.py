"""Photos: rendered as a worker does, each in a limited process of its own, against the same libvips calls in one process."""

import asyncio
import contextlib
import os
import shutil
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from functools import partial
from pathlib import Path

import pyvips

from bench import machine
from bench.figures import Figure, Goal, Sample
from bench.harness import Run
from media_svc.manifest import ORIGINAL_NAME
from media_svc.renditions import RenderLimits, render

CONTENT_TYPE = "image/jpeg"
# What phones take: twelve megapixels.
WIDTH, HEIGHT = 4032, 3024
# A sample of each is so many photos, taken in turns of one.
PHOTOS = 20
GOAL = Goal("at least", 0.85)
# Nothing is given up here because the machine is busy.
LIMITS = RenderLimits(cpu_seconds=120, wall_seconds=300)
_ROOT = str(Path(__file__).parent.parent)


async def measure(run: Run) -> Sequence[Figure]:
    """Measure photos a second on one core."""
    with tempfile.TemporaryDirectory() as temporary, machine.on_cores(machine.MEASURED):
        photo = Path(temporary) / "photo.jpg"
        _some_photo(photo)
        async with _bare(photo) as bare:
            one_round = partial(_one_round, partial(_rendered, photo), bare, run.size(PHOTOS, 2))
            pairs = await run.rounds(one_round)
        size = f"{photo.stat().st_size / 1_000_000:.1f} MB"
    what = (
        f"A phone's photo ({WIDTH} x {HEIGHT}, {size} of JPEG) into AVIF, WebP and JPEG of four widths on one core, each in a "
        "limited process that ends with it, names and checks included, against the same libvips calls in one process"
    )
    return [Figure("photos", what, "photos/s", pairs, "worker", "libvips alone", GOAL)]


async def _one_round(
    ours: Callable[[], Awaitable[object]], bare: Callable[[], Awaitable[object]], photos: int
) -> Sample:
    """Let both render in turn, so that both meet the same disturbances."""
    seconds = [0.0, 0.0]
    for _ in range(photos):
        for number, work in enumerate((ours, bare)):
            start = time.perf_counter()
            await work()
            seconds[number] += time.perf_counter() - start
    return photos / seconds[0], photos / seconds[1]


async def _rendered(photo: Path) -> None:
    with tempfile.TemporaryDirectory() as folder:
        shutil.copyfile(photo, Path(folder) / ORIGINAL_NAME)
        await render(Path(folder), CONTENT_TYPE, LIMITS)


@contextlib.asynccontextmanager
async def _bare(photo: Path) -> AsyncIterator[Callable[[], Awaitable[None]]]:
    """Start the one process; yields what has it render one photo."""
    environment = {**os.environ, "PYTHONPATH": _ROOT, "VIPS_CONCURRENCY": str(LIMITS.threads)}
    command = (sys.executable, "-m", "bench.bare_photos", str(photo), CONTENT_TYPE)
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(*command, stdin=pipe, stdout=pipe, env=environment)

    async def one() -> None:
        if process.stdin is None or process.stdout is None:
            raise RuntimeError("the process was started without pipes")
        process.stdin.write(b"1\n")
        if await process.stdout.readline() != b"done\n":
            raise RuntimeError("the process that renders by libvips alone has ended")

    try:
        yield one
    finally:
        process.kill()
        await process.wait()


def _some_photo(path: Path) -> None:
    """Write a photo of soft shapes with the grain of a small sensor."""
    shapes = [pyvips.Image.perlin(WIDTH, HEIGHT, cell_size=size, uchar=True, seed=size) for size in (512, 384, 256)]
    grain = pyvips.Image.gaussnoise(WIDTH, HEIGHT, mean=0, sigma=6, seed=1)
    picture = shapes[0].bandjoin(shapes[1:]) + grain
    picture.cast("uchar").copy(interpretation="srgb").jpegsave(str(path), Q=92)
