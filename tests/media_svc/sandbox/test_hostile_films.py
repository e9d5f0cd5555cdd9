"""Tests of hostile files: refused in time with the reason, and nothing else is opened."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from media_svc.model import MediaRejectedError
from media_svc.videos.ffmpeg import Ffmpeg, find_ffmpeg
from media_svc.videos.make_rung import make_rung
from media_svc.videos.probe_video import probe_video
from media_svc.videos.rules import plan_rungs
from tests.media_svc import films, pictures

pytestmark = pytest.mark.slow

MP4, MOV, WEBM = "video/mp4", "video/quicktime", "video/webm"
FTYP = b"\x00\x00\x00\x18ftypisom\x00\x00\x02\x00isommp41"
PLAYLIST = b"#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXTINF:4,\n%s\n#EXT-X-ENDLIST\n"
CONCAT = b"ffconcat version 1.0\nfile '%s'\n"
SECRET = b"/etc/passwd"


def _small(folder: Path) -> Path:
    return films.moving(folder / "small.mp4", "128x96", "25", 2)


def _half(path: Path) -> bytes:
    content = path.read_bytes()
    return content[: len(content) // 2]


def _zip_behind(folder: Path) -> bytes:
    return _small(folder).read_bytes() + b"PK\x03\x04" + bytes(60)


def _matroska(folder: Path) -> bytes:
    films.run_ffmpeg("-i", str(_small(folder)), "-c", "copy", str(folder / "a.mkv"))
    return (folder / "a.mkv").read_bytes()


HOSTILE: dict[str, tuple[Callable[[Path], bytes], str, str]] = {
    "cut": (lambda folder: _half(_small(folder)), MP4, "MEDIA_CORRUPT"),
    "cut behind its index": (lambda folder: _half(films.index_first(_small(folder))), MP4, "MEDIA_CORRUPT"),
    "cut webm": (lambda folder: _half(films.moving(folder / "a.webm", "128x96", "25", 2)), WEBM, "MEDIA_CORRUPT"),
    "zeros inside": (lambda folder: films.zeroed(_small(folder)), MP4, "MEDIA_CORRUPT"),
    "only a head": (lambda _: FTYP, MP4, "MEDIA_CORRUPT"),
    "zip behind": (_zip_behind, MP4, "MEDIA_CORRUPT"),
    "playlist behind a head": (lambda _: FTYP + PLAYLIST % SECRET, MP4, "MEDIA_CORRUPT"),
    "playlist": (lambda _: PLAYLIST % SECRET, MP4, "TYPE_MISMATCH"),
    "concat": (lambda _: CONCAT % SECRET, MP4, "TYPE_MISMATCH"),
    "matroska": (_matroska, WEBM, "TYPE_MISMATCH"),
    "mp4 as webm": (lambda folder: _small(folder).read_bytes(), WEBM, "TYPE_MISMATCH"),
    "mp4 as mov": (lambda folder: _small(folder).read_bytes(), MOV, "TYPE_MISMATCH"),
    "picture": (lambda _: pictures.encoded(pictures.quarters(), "image/jpeg"), MP4, "TYPE_MISMATCH"),
    "sound": (lambda folder: films.sound(folder / "a.mp4").read_bytes(), MP4, "MEDIA_CORRUPT"),
    "too long": (lambda folder: films.still(folder / "a.mp4", "16x16", "1", 605).read_bytes(), MP4, "MEDIA_TOO_LARGE"),
    "too large": (
        lambda folder: films.still(folder / "a.mp4", "3200x3000", "5", 0.2).read_bytes(),
        MP4,
        "MEDIA_TOO_LARGE",
    ),
    "too wide": (
        lambda folder: films.still(folder / "a.mp4", "5000x16", "5", 0.2).read_bytes(),
        MP4,
        "MEDIA_TOO_LARGE",
    ),
}


@pytest.mark.parametrize("kind", HOSTILE)
async def test_refused(tmp_path: Path, kind: str) -> None:
    """Files that are not films, are truncated, or exceed a limit are refused with the contract's reason."""
    make, content_type, reason = HOSTILE[kind]
    folder = films.in_folder(tmp_path / "work", make(tmp_path))
    with pytest.raises(MediaRejectedError) as caught:
        await _lowest_rung(folder, content_type)
    assert caught.value.failure.reason == reason
    assert caught.value.failure.message


@pytest.mark.parametrize("kind", ["playlist", "concat"])
@pytest.mark.parametrize("head", [b"", FTYP], ids=["bare", "with a head"])
async def test_nothing_else_is_opened(tmp_path: Path, kind: str, head: bytes) -> None:
    """Even if all checks were bypassed, ffmpeg reads no playlist and fetches nothing."""
    film = await probe_video(films.in_folder(tmp_path / "good", _small(tmp_path).read_bytes()), MP4)
    async with _listening() as (url, calls):
        text = (PLAYLIST if kind == "playlist" else CONCAT) % url.encode()
        folder = films.in_folder(tmp_path / "work", head + text)
        with pytest.raises(MediaRejectedError):
            await make_rung(Ffmpeg(find_ffmpeg(None)), folder, film, plan_rungs(film)[0], _ignore)
    assert calls == []
    assert not list(folder.glob("*/*.m4s"))


async def test_reference_to_another_file(tmp_path: Path) -> None:
    """A film that refers to another file for its frames gets nothing from there."""
    content = bytearray(films.silent(tmp_path / "a.mp4", "128x96", "25", 1).read_bytes())
    # Turn an entry `url ` with the flag "in this file" into one in another file.
    at = content.index(b"dref") + 12
    assert content[at + 4 : at + 12] == b"url \x00\x00\x00\x01"
    content[at + 4 : at + 12] = b"alis\x00\x00\x00\x00"
    folder = films.in_folder(tmp_path / "work", bytes(content))
    try:
        film = await probe_video(folder, MP4)
    except MediaRejectedError:
        return
    # The reference was not followed: the frames are those of the file itself.
    assert (film.width, film.height, film.duration_ms) == (128, 96, 1000)


@contextlib.asynccontextmanager
async def _listening() -> AsyncIterator[tuple[str, list[str]]]:
    """Listen like a web server. Yields its address and the callers."""
    calls: list[str] = []

    async def on_call(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        calls.append("called")
        writer.close()

    server = await asyncio.start_server(on_call, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/a.mp4", calls


async def _lowest_rung(folder: Path, content_type: str) -> None:
    """Make the lowest rung, as the worker does: decoding finds damage inside an intact structure."""
    film = await probe_video(folder, content_type)
    await make_rung(Ffmpeg(find_ffmpeg(None)), folder, film, plan_rungs(film)[0], _ignore)


async def _ignore(_: float) -> None:
    """Ignore progress."""
