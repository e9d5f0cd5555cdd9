"""Who sees media."""

from collections.abc import Awaitable

import grpc
import pytest
from lensfeed.media.v1 import media_service_pb2

from media_svc.model import Media, MediaKind, MediaState, Picture, Rendition
from media_svc.settings import ServeSettings
from meshkit.ids import PublicId, new_id
from tests.errors import reason_of, status_of
from tests.media_svc.conftest import Parts, serving
from tests.media_svc.media_app import MediaApp, new_user
from tests.media_svc.peers import Peers
from tests.served_sights import NOWHERE, ServedSights

JPEG = (Rendition("320.jpg", "image/jpeg", 320, 240, 999),)


async def posted_photo(parts: Parts, sharing: Peers, owner: int) -> str:
    """Write a photo that is READY and posted. Returns its id."""
    media = Media(PublicId(new_id(), owner), MediaState.AWAITING_UPLOAD, MediaKind.PHOTO, "image/jpeg", 9, "")
    assert await parts.store.add_media(media, 0)
    ready = media.uploaded("etag", 1).ready(Picture(320, 240, b"hash", JPEG).named_under(media.media_id))
    assert await parts.store.replace_media(media, ready, [])
    sharing.posted.add(str(media.media_id))
    return str(media.media_id)


async def refusal(call: Awaitable[object]) -> grpc.aio.AioRpcError:
    """Return the error of a call."""
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await call
    return refused.value


def picked(app: MediaApp, media_id: str) -> Awaitable[object]:
    """Ask for a rendition, as a browser does."""
    return app.public.PickRendition(media_service_pb2.PickRenditionRequest(media_id=media_id))


async def test_who_is_blocked_is_answered_as_by_nobody(
    app: MediaApp, parts: Parts, sights: ServedSights, sharing: Peers
) -> None:
    """A blocker's medium is like one that does not exist. Who blocks is told so."""
    owner, other = new_user(), new_user()
    media_id = await posted_photo(parts, sharing, owner)
    await sights.block(owner, other)
    hidden = await refusal(app.get(other, media_id))
    assert reason_of(hidden) == "MEDIA_NOT_FOUND"
    assert status_of(hidden) == status_of(await refusal(app.get(other, str(PublicId(new_id(), owner)))))
    await sights.unblock(owner, other)
    await app.get(other, media_id)
    await sights.block(other, owner)
    refused = await refusal(app.get(other, media_id))
    assert (refused.code(), reason_of(refused)) == (grpc.StatusCode.PERMISSION_DENIED, "USER_BLOCKED")


async def test_a_private_accounts_media_are_for_its_followers(
    app: MediaApp, parts: Parts, sights: ServedSights, sharing: Peers
) -> None:
    """A stranger, and whoever has no token, is answered as for a medium that does not exist."""
    owner = new_user()
    media_id = await posted_photo(parts, sharing, owner)
    await picked(app, media_id)
    await sights.make_private(owner)
    assert reason_of(await refusal(app.get(new_user(), media_id))) == "MEDIA_NOT_FOUND"
    assert reason_of(await refusal(picked(app, media_id))) == "MEDIA_NOT_FOUND"
    assert (await app.get(owner, media_id)).media_id == media_id


async def test_without_follow_svc_only_own_media_are_shown(
    settings: ServeSettings, parts: Parts, sharing: Peers
) -> None:
    """While follow_svc is down, others' media are UNAVAILABLE, and uploads work."""
    owner = new_user()
    media_id = await posted_photo(parts, sharing, owner)
    async with serving(settings.model_copy(update={"follow_addr": NOWHERE})) as app:
        assert reason_of(await refusal(app.get(new_user(), media_id))) == "UNAVAILABLE"
        assert reason_of(await refusal(picked(app, media_id))) == "UNAVAILABLE"
        assert (await app.get(owner, media_id)).media_id == media_id
        assert (await app.look(owner, (await app.start(owner, "image/png", 5)).media_id)).upload.parts
