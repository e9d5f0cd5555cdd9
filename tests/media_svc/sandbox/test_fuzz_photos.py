"""Hundreds of damaged photos, the same ones each time: each is rendered or refused, and nothing is left behind."""

import asyncio
import os
import sys
from asyncio.subprocess import PIPE
from pathlib import Path
from random import Random

import pytest
from PIL import Image

from media_svc.model import FailureReason
from tests.media_svc import pictures

pytestmark = pytest.mark.slow

COUNT = 300
# Another seed in the environment tries other damage.
SEED = int(os.environ.get("FUZZ_SEED", "11"))
WALL_SECONDS = 400


@pytest.mark.parametrize("content_type", pictures.FORMATS)
async def test_damaged(tmp_path: Path, content_type: str) -> None:
    """Rendering a damaged photo ends with renditions or with a reason for its uploader."""
    photo = tmp_path / "photo"
    picture = Image.frombytes("RGB", (40, 30), Random(SEED).randbytes(40 * 30 * 3))
    options = {"exif": pictures.exif(6), "icc_profile": pictures.display_p3()}
    photo.write_bytes(pictures.encoded(picture, content_type, **options))
    folder = tmp_path / "work"
    folder.mkdir()
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
    # Each photo's process confines itself; this one makes their folders.
    environment = os.environ | {"PYTHONPATH": str(Path.cwd()), "TMPDIR": str(folder)}
    process = await asyncio.create_subprocess_exec(*command, cwd=folder, env=environment, stdout=PIPE, stderr=PIPE)
    async with asyncio.timeout(WALL_SECONDS):
        out, log = await process.communicate()
    assert process.returncode == 0, log.decode()
    endings = {name: int(number) for name, number in (each.split("=") for each in out.decode().split(","))}
    print(content_type, endings)  # noqa: T201 - shown where it fails
    assert sum(endings.values()) == COUNT
    answers = {"RENDITIONS", *FailureReason}
    assert {name.removesuffix(" by a signal") for name in endings} <= answers
    assert endings["RENDITIONS"] > 0
    assert COUNT - endings["RENDITIONS"] > COUNT // 10
    assert list(folder.iterdir()) == []
