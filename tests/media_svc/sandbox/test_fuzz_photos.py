"""Hundreds of damaged photos, the same ones each time: each is rendered or refused, and nothing is left behind."""

import os
import sys
from pathlib import Path
from random import Random

import pytest
from PIL import Image

from media_svc.model import FailureReason
from media_svc.sandbox.limited_process import ProcessLimits, run_limited
from tests.media_svc import pictures

pytestmark = pytest.mark.slow

COUNT = 300
# Another seed in the environment tries other damage.
SEED = int(os.environ.get("FUZZ_SEED", "11"))
LIMITS = ProcessLimits(4 * 1024**3, cpu_seconds=200, wall_seconds=400)


@pytest.mark.parametrize("content_type", pictures.FORMATS)
async def test_damaged(tmp_path: Path, content_type: str) -> None:
    """Rendering a damaged photo ends with renditions or with a reason for its uploader."""
    photo = tmp_path / "photo"
    picture = Image.frombytes("RGB", (40, 30), Random(SEED).randbytes(40 * 30 * 3))
    options = {"exif": pictures.exif(6), "icc_profile": pictures.display_p3()}
    photo.write_bytes(pictures.encoded(picture, content_type, **options))
    folder = tmp_path / "work"
    folder.mkdir()
    lines: list[str] = []

    async def on_line(line: str) -> None:
        lines.append(line)

    print(f"seed {SEED}")  # noqa: T201 - shown where it fails
    command = (
        sys.executable,
        "-m",
        "tests.media_svc.sandbox.fuzz_photos",
        str(photo),
        content_type,
        str(SEED),
        str(COUNT),
    )
    ended = await run_limited(command, folder, LIMITS, on_line)
    assert ended.code == 0, ended.log
    endings = {name: int(number) for name, number in (each.split("=") for each in lines[-1].split(","))}
    print(content_type, endings)  # noqa: T201 - shown where it fails
    assert sum(endings.values()) == COUNT
    answers = {"RENDITIONS", *FailureReason}
    assert {name.removesuffix(" by a signal") for name in endings} <= answers
    assert endings["RENDITIONS"] > 0
    assert COUNT - endings["RENDITIONS"] > COUNT // 10
    assert list(folder.iterdir()) == []
