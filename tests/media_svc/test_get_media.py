"""Tests of who can see a medium, and when."""

from dataclasses import replace

import grpc
import pytest

from media_svc.model import Failure, FailureReason, MediaState, Picture, Rendition
from media_svc.settings import ServeSettings
from meshkit.ids import PublicId, new_id
from tests.errors import reason_of
from tests.media_svc.conftest import Parts
from tests.media_svc.media_app import MediaApp, new_user
from tests.media_svc.peers import Peers

PICTURE = Picture(400, 300, bytes(range(21)), (Rendition("ab.avif", "image/avif", 320, 240, 999),))


async def _uploaded(app: MediaApp, owner: int) -> str:
    return await app.upload(owner, "image/png", b"small", "a cat")


async def _is_hidden(app: MediaApp, user_id: int, media_id: str) -> bool:
    with pytest.raises(grpc.aio.AioRpcError) as refusal:
        await app.get(user_id, media_id)
    assert refusal.value.code() == grpc.StatusCode.NOT_FOUND
    return reason_of(refusal.value) == "MEDIA_NOT_FOUND"


async def test_before_it_is_ready(app: MediaApp, parts: Parts) -> None:
    """Before a medium is READY, and when it is REJECTED, only its owner sees it."""
    owner, stranger = new_user(), new_user()
    started = await app.start(owner, "image/png", 5)
    assert await _is_hidden(app, stranger, started.media_id)
    media_id = await _uploaded(app, owner)
    assert await _is_hidden(app, stranger, media_id)
    (media,) = await parts.store.get_media([PublicId.parse(media_id)])
    await parts.store.replace_media(media, media.rejected(Failure(FailureReason.MEDIA_CORRUPT, "Broken.")), [])
    assert await _is_hidden(app, stranger, media_id)
    seen = await app.get(owner, media_id)
    assert (seen.failure.reason, seen.failure.message) == ("MEDIA_CORRUPT", "Broken.")


async def test_ready(app: MediaApp, parts: Parts, settings: ServeSettings, sharing: Peers) -> None:
    """Everybody sees a READY medium that is posted, with everything an app needs to show it."""
    owner = new_user()
    media_id = await _uploaded(app, owner)
    (media,) = await parts.store.get_media([PublicId.parse(media_id)])
    await parts.store.replace_media(media, media.ready(PICTURE), [])
    sharing.posted.add(media_id)
    seen = await app.get(new_user(), media_id)
    assert seen == await app.get(owner, media_id)
    assert (seen.width, seen.height, seen.thumbhash, seen.alt_text) == (400, 300, bytes(range(21)), "a cat")
    assert not seen.HasField("failure")
    (rendition,) = seen.renditions
    assert rendition.url == f"{settings.media_base_url}/ab.avif"
    assert (rendition.content_type, rendition.width, rendition.height) == ("image/avif", 320, 240)
    assert rendition.size_bytes == 999


async def test_not_shared(app: MediaApp, parts: Parts, sharing: Peers) -> None:
    """A READY medium is its owner's alone until it is in a post or is the profile picture. Without post_svc it is UNAVAILABLE."""
    owner, stranger = new_user(), new_user()
    media_id = await _uploaded(app, owner)
    (media,) = await parts.store.get_media([PublicId.parse(media_id)])
    await parts.store.replace_media(media, media.ready(PICTURE), [])
    assert await _is_hidden(app, stranger, media_id)
    assert (await app.get(owner, media_id)).media_id == media_id
    sharing.pictures[owner] = f"https://cdn.example/m/{media_id}/a.jpg"
    assert (await app.get(stranger, media_id)).media_id == media_id
    sharing.fails = 10
    with pytest.raises(grpc.aio.AioRpcError) as refusal:
        await app.get(stranger, media_id)
    sharing.fails = 0
    assert reason_of(refusal.value) == "UNAVAILABLE"


async def test_taken_at(app: MediaApp, parts: Parts, sharing: Peers) -> None:
    """Only its owner sees when a medium was taken: neither other users nor other services, and so no post, do."""
    owner = new_user()
    media_id = await _uploaded(app, owner)
    (media,) = await parts.store.get_media([PublicId.parse(media_id)])
    taken = replace(PICTURE, taken_at="2024-05-01T12:30:00", taken_at_offset="+02:00")
    ready = media.ready(taken)
    await parts.store.replace_media(media, ready, [parts.events.ready(ready)])
    sharing.posted.add(media_id)
    own = await app.get(owner, media_id)
    assert (own.taken_at, own.taken_at_offset) == ("2024-05-01T12:30:00", "+02:00")
    *_, event = await app.events_of(media_id)
    for seen in (await app.get(new_user(), media_id), *await app.batch_get(owner, [media_id]), event.media_ready.media):
        assert not seen.HasField("taken_at")
        assert not seen.HasField("taken_at_offset")


@pytest.mark.parametrize("media_id", ["", "x", "a" * 26, "A" * 26, "ä" * 26])
async def test_absent(app: MediaApp, media_id: str) -> None:
    """Unknown and malformed ids are not found."""
    assert await _is_hidden(app, new_user(), media_id)


async def test_batch(app: MediaApp) -> None:
    """Other services get an owner's media in every state and in the requested order, without those of others."""
    owner = new_user()
    ready, foreign = await _uploaded(app, owner), await _uploaded(app, new_user())
    awaiting = (await app.start(owner, "image/png", 5)).media_id
    absent = str(PublicId(new_id(), owner))
    found = await app.batch_get(owner, [awaiting, foreign, absent, "malformed", ready])
    assert [media.media_id for media in found] == [awaiting, ready]
    assert await app.batch_get(owner, []) == []
    assert [media.media_id for media in await app.batch_get(owner, [ready, awaiting])] == [ready, awaiting]


def test_states_are_those_of_the_contract() -> None:
    """Each state of the domain has its value in the contract."""
    from lensfeed.media.v1 import media_pb2

    contract = {name.removeprefix("MEDIA_STATE_") for name in media_pb2.MediaState.keys()}  # noqa: SIM118 - it is no dict
    # Removed media are never shown.
    assert {state.value for state in MediaState} - {"REMOVED"} == contract - {"UNSPECIFIED"}
