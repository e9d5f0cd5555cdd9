"""Tests of a video's progress as its owner sees it."""

from fractions import Fraction

import pytest

from media_svc.model import Picture, Rendition, Rung
from media_svc.videos.progress import VideoProgress
from media_svc.videos.rules import Film, plan_rungs
from meshkit.ids import PublicId
from tests.media_svc.conftest import Parts
from tests.media_svc.media_app import MediaApp, new_user

STORES = ("sqlite",)
FILM = Film(1920, 1080, 60_000, Fraction(30), 0, 1)


async def test_progress_is_shown(app: MediaApp, parts: Parts) -> None:
    """Recorded progress is shown, and only a complete video shows 100 percent."""
    owner = new_user()
    media_id = PublicId.parse(await app.upload(owner, "video/mp4", b"a film"))
    assert (await app.get(owner, str(media_id))).progress_percent == 0
    progress = VideoProgress(parts.store, media_id, plan_rungs(FILM), 60.0)
    progress.begin(2)
    await progress(30.0)
    shown = (await app.get(owner, str(media_id))).progress_percent
    assert shown == progress.percent(30.0)
    assert 0 < shown < 100
    await parts.store.set_progress(media_id, 100)
    assert (await app.get(owner, str(media_id))).progress_percent == 99
    (uploaded,) = await parts.store.get_media([media_id])
    rung = Rung(f"{media_id}/240p-0/index.m3u8", 426, 240, 9_000, 8_000, "avc1.4d401e", 30.0)
    mp4 = Rendition(f"{media_id}/video.mp4", "video/mp4", 426, 240, 6)
    ready = uploaded.ready(Picture(1920, 1080, b"thumb", ())).playable(60_000, rung, mp4)
    assert await parts.store.replace_media(uploaded, ready, [])
    assert (await app.get(owner, str(media_id))).progress_percent == 99
    assert await parts.store.grow_video(ready, ready.completed())
    assert (await app.get(owner, str(media_id))).progress_percent == 100


def test_grows_with_the_work(parts: Parts) -> None:
    """Progress grows with the seconds of each rung, and larger rungs weigh more."""
    progress = VideoProgress(parts.store, PublicId(1, 1), plan_rungs(FILM), 60.0)
    seen = []
    for rung in range(4):
        progress.begin(rung)
        seen += [progress.percent(seconds) for seconds in (0.0, 30.0, 60.0)]
    assert seen == sorted(seen)
    assert (seen[0], seen[-1]) == (0, 100)
    assert seen[-1] - seen[-3] > seen[2] - seen[0]


@pytest.mark.parametrize("size", [10, 8 * 1024 * 1024, 17 * 1024 * 1024 + 3])
async def test_a_file_of_any_size_is_served(parts: Parts, tmp_path_factory: pytest.TempPathFactory, size: int) -> None:
    """Small files go to S3 in one piece and large ones in parts, with their type and Cache-Control."""
    folder = tmp_path_factory.mktemp("files")
    content = bytes(range(251)) * (size // 251 + 1)
    (folder / "sent").write_bytes(content[:size])
    key = f"m/{new_user()}/video.mp4"
    await parts.objects.put_file(key, folder / "sent", "video/mp4", "public, max-age=15")
    assert await parts.objects.download(key, folder / "came")
    assert (folder / "came").read_bytes() == content[:size]
