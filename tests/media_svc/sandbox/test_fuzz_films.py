"""Hundreds of damaged films, the same ones each time: each is accepted or refused, and none crashes the probe."""

import sys
from pathlib import Path

import pytest

from media_svc.confinement.confine import STARTING_PYTHON
from media_svc.sandbox.limited_process import ProcessLimits, run_limited
from tests.media_svc import films

pytestmark = pytest.mark.slow

COUNT = 400
LIMITS = ProcessLimits(2 * 1024**3, cpu_seconds=120, wall_seconds=300)


@pytest.mark.parametrize(
    ("suffix", "content_type"), [("mp4", "video/mp4"), ("mov", "video/quicktime"), ("webm", "video/webm")]
)
async def test_damaged(tmp_path: Path, suffix: str, content_type: str) -> None:
    """Probing a damaged film always ends with an answer, within the memory of one probe."""
    film = films.moving(tmp_path / f"film.{suffix}", "128x96", "25", 2)
    lines: list[str] = []

    async def on_line(line: str) -> None:
        lines.append(line)

    command = (sys.executable, "-m", "tests.media_svc.sandbox.fuzz_probe", str(film), content_type, "7", str(COUNT))
    ended = await run_limited(command, tmp_path, LIMITS, on_line, STARTING_PYTHON)
    assert ended.code == 0, ended.log
    taken, refused = (int(each) for each in lines[-1].split())
    assert taken + refused == COUNT
    assert taken > 0
    assert refused > COUNT // 2
