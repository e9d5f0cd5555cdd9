"""Tests of films as phones and their editors write them: trimmed, late, uneven, silent by accident, or old."""

from pathlib import Path

import pytest
from PIL import ImageStat

from tests.media_svc import films
from tests.media_svc.videos.lowest_rung import lowest_rung

pytestmark = pytest.mark.slow

_H264 = ("-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p")


@pytest.mark.parametrize("start", [2, 5])
async def test_trimmed_without_reencoding(tmp_path: Path, start: int) -> None:
    """A film trimmed by an edit list has its shown length, however much of it is hidden."""
    whole, trimmed = tmp_path / "whole.mp4", tmp_path / "trimmed.mp4"
    tone = ("-f", "lavfi", "-i", "sine=frequency=440")
    films.run_ffmpeg("-f", "lavfi", "-i", "testsrc=s=320x240:r=30", *tone, "-t", "10", *_H264, "-g", "600", str(whole))
    films.run_ffmpeg("-ss", str(start), "-i", str(whole), "-t", "4", "-c", "copy", str(trimmed))
    made = await lowest_rung(tmp_path / "work", trimmed)
    assert made.film.duration_ms == pytest.approx(4000, abs=40)
    assert len(made.frames()) == pytest.approx(120, abs=1)


async def test_late_picture(tmp_path: Path) -> None:
    """A film whose picture begins a second after its sound keeps the last second of both."""
    original = tmp_path / "late.mp4"
    sources = ("-f", "lavfi", "-i", "testsrc=s=320x240:r=30:d=3", "-f", "lavfi", "-i", "sine=frequency=440:d=4")
    films.run_ffmpeg(*sources, "-vf", "setpts=PTS+1/TB", *_H264, "-c:a", "aac", str(original))
    made = await lowest_rung(tmp_path / "work", original)
    assert made.film.duration_ms == pytest.approx(4000, abs=30)
    assert len(made.frames()) == 120


async def test_rate_that_drops(tmp_path: Path) -> None:
    """A film that drops from 30 to 4 frames per second shows every frame of its fast part, at its own time."""
    original = tmp_path / "uneven.mp4"
    # Black and white take turns at 30 frames per second.
    fast = "color=black:s=320x240:r=30:d=2,geq=lum='255*mod(N,2)':cb=128:cr=128,settb=1/600[a]"
    slow = "color=gray:s=320x240:r=4:d=4,settb=1/600[b]"
    graph = f"{fast};{slow};[a][b]concat=n=2:v=1:unsafe=1"
    films.run_ffmpeg("-filter_complex", graph, "-fps_mode", "vfr", "-enc_time_base", "1/600", *_H264, str(original))
    made = await lowest_rung(tmp_path / "work", original)
    assert made.film.frame_rate == 30
    lightness = [ImageStat.Stat(each.convert("L")).mean[0] for each in made.frames()]
    assert [round(each / 255) for each in lightness[:60]] == [0, 1] * 30
    assert len(lightness) == pytest.approx(180, abs=8)


def _without_samples(content: bytes) -> bytes:
    """Return an MP4 whose sound track lists no samples."""
    edited = bytearray(content)
    sound = edited.rindex(b"trak", 0, edited.index(b"soun"))
    # Where each table of the track has its number of entries, after its name.
    for name, count_at in ((b"stts", 8), (b"stsc", 8), (b"stsz", 12), (b"stco", 8)):
        at = edited.index(name, sound) + count_at
        edited[at : at + 4] = bytes(4)
    return bytes(edited)


async def test_sound_without_samples(tmp_path: Path) -> None:
    """A film whose sound track is empty has no sound in HLS."""
    original = films.moving(tmp_path / "empty.mp4", "320x240", "30", 1)
    original.write_bytes(_without_samples(original.read_bytes()))
    made = await lowest_rung(tmp_path / "work", original)
    assert made.film.audio_stream is None
    assert "mp4a" not in made.codecs
    assert len(made.frames()) == 30


async def test_old_phone(tmp_path: Path) -> None:
    """H.263 in a 3GP file, as old phones recorded it, is accepted."""
    original = tmp_path / "old.3gp"
    sources = ("-f", "lavfi", "-i", "testsrc=s=176x144:r=15", "-f", "lavfi", "-i", "sine=sample_rate=8000")
    films.run_ffmpeg(*sources, "-t", "2", "-c:v", "h263", "-c:a", "aac", "-ar", "8000", str(original))
    made = await lowest_rung(tmp_path / "work", original)
    assert len(made.frames()) == 30
    assert made.codecs.endswith("mp4a.40.2")
