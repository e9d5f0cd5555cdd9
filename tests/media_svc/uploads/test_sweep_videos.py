"""Tests of sweeping videos that are READY but lack rungs."""

import pytest
from lensfeed.media.v1 import media_pb2

from media_svc.check_schedule import LAST_AGE, MINUTE_MS
from media_svc.model import Media, Picture, Rendition, Rung
from meshkit.ids import PublicId, id_millis
from tests.media_svc.conftest import Parts
from tests.media_svc.media_app import MediaApp, kinds, new_user

pytestmark = pytest.mark.usefixtures("fresh_plans")
# The store makes no difference here.
STORES = ("sqlite",)


async def _sweep_at(parts: Parts, media_id: str, age: int) -> None:
    await parts.sweeper.sweep(id_millis(PublicId.parse(media_id).local) + age * MINUTE_MS)


async def _playable(app: MediaApp, parts: Parts, owner: int) -> Media:
    """Upload a film, and store it as READY with its lowest rung."""
    media_id = PublicId.parse(await app.upload(owner, "video/mp4", b"a film"))
    (uploaded,) = await parts.store.get_media([media_id])
    rung = Rung(f"{media_id}/240p-0/index.m3u8", 426, 240, 9_000, 8_000, "avc1.4d401e", 30.0)
    mp4 = Rendition(f"{media_id}/video.mp4", "video/mp4", 426, 240, 6)
    ready = uploaded.ready(Picture(854, 480, b"thumb", ())).playable(9_000, rung, mp4)
    assert await parts.store.replace_media(uploaded, ready, [parts.events.ready(ready)])
    return ready


async def test_unfinished_is_announced_again(app: MediaApp, parts: Parts) -> None:
    """A playable but unfinished film is announced again until it is complete, and never rejected."""
    owner = new_user()
    media = await _playable(app, parts, owner)
    media_id = str(media.media_id)
    assert kinds(await app.events_of(media_id)) == ["media_uploaded", "media_ready"]
    await _sweep_at(parts, media_id, 60)
    sent = kinds(await app.events_of(media_id))
    assert sent.count("media_uploaded") > 1
    uploaded = [event.media_uploaded for event in await app.events_of(media_id) if event.HasField("media_uploaded")]
    assert {each.kind for each in uploaded} == {media_pb2.MEDIA_KIND_VIDEO}
    await _sweep_at(parts, media_id, LAST_AGE + 60)
    assert (await app.get(owner, media_id)).state == media_pb2.MEDIA_STATE_READY
    assert "media_rejected" not in kinds(await app.events_of(media_id))


async def test_finished_is_left_alone(app: MediaApp, parts: Parts) -> None:
    """A complete film is not announced again."""
    media = await _playable(app, parts, new_user())
    assert await parts.store.grow_video(media, media.completed())
    sent = kinds(await app.events_of(str(media.media_id)))
    await _sweep_at(parts, str(media.media_id), LAST_AGE + 60)
    assert kinds(await app.events_of(str(media.media_id))) == sent
