"""Tests of which rendition a plain <img> gets."""

import grpc
import httpx
import pytest
from lensfeed.media.v1 import media_service_pb2

from media_svc.model import Picture, Rendition
from media_svc.photos.pick_rendition import pick
from media_svc.settings import ServeSettings
from meshkit.ids import PublicId, new_id
from tests.errors import reason_of, violations_of
from tests.media_svc.conftest import Parts
from tests.media_svc.media_app import MediaApp, new_user
from tests.media_svc.peers import Peers

STORES = ("sqlite",)
ENDINGS = {"image/avif": "avif", "image/webp": "webp", "image/jpeg": "jpg"}
RENDITIONS = tuple(
    Rendition(f"{width}.{ending}", content_type, width, width, width)
    for width in (320, 640, 1080, 1440)
    for content_type, ending in ENDINGS.items()
)
CHROME = "image/avif,image/webp,image/apng,image/svg+xml,image/*,*/*;q=0.8"
SAFARI_15 = "image/webp,image/avif;q=0,video/*;q=0.8,image/png,image/svg+xml,image/*;q=0.8,*/*;q=0.5"


@pytest.mark.parametrize(
    ("accept", "ending"),
    [
        (CHROME, "avif"),
        (SAFARI_15, "webp"),
        ("image/webp;q=0.5", "webp"),
        ("IMAGE/AVIF ; q=1", "avif"),
        ("image/avif;q=nonsense", "jpg"),
        ("image/*", "jpg"),
        ("*/*", "jpg"),
        ("", "jpg"),
        ("text/html", "jpg"),
        (",;,", "jpg"),
    ],
)
def test_type(accept: str, ending: str) -> None:
    """The smallest type that the browser names is picked, and JPEG if it names none."""
    picked = pick(RENDITIONS, 640, accept, is_saving=False)
    assert picked is not None
    assert picked.name == f"640.{ending}"


@pytest.mark.parametrize(
    ("width", "is_saving", "found"),
    [
        (1, False, 320),
        (320, False, 320),
        (321, False, 640),
        (1440, False, 1440),
        (9999, False, 1440),
        (0, False, 1080),
        (1, True, 320),
        (639, True, 320),
        (640, True, 640),
        (9999, True, 1440),
        (0, True, 640),
    ],
)
def test_width(width: int, is_saving: bool, found: int) -> None:
    """The next wider rendition is picked, or the next narrower one to save data."""
    picked = pick(RENDITIONS, width, CHROME, is_saving=is_saving)
    assert picked is not None
    assert picked.width == found


def test_poster() -> None:
    """For a video, its poster is picked; without any picture, nothing is."""
    video = Rendition("video.mp4", "video/mp4", 640, 360, 9)
    assert pick([video], 640, "video/mp4", is_saving=False) is None
    assert pick([video, *RENDITIONS], 640, "video/mp4", is_saving=False) == RENDITIONS[5]


async def test_by_headers(app: MediaApp, parts: Parts, settings: ServeSettings, sharing: Peers) -> None:
    """Anonymous callers get the rendition's location, cacheable briefly and only for the same headers."""
    owner = new_user()
    media_id = await app.upload(owner, "image/png", b"small")
    (media,) = await parts.store.get_media([PublicId.parse(media_id)])
    request = media_service_pb2.PickRenditionRequest(media_id=media_id, width=600)
    with pytest.raises(grpc.aio.AioRpcError) as refusal:
        await app.public.PickRendition(request)
    assert reason_of(refusal.value) == "MEDIA_NOT_FOUND"
    ready = media.ready(Picture(1440, 1440, b"thumb", RENDITIONS).named_under(media.media_id))
    await parts.store.replace_media(media, ready, [])
    with pytest.raises(grpc.aio.AioRpcError) as unshared:
        await app.public.PickRendition(request)
    assert reason_of(unshared.value) == "MEDIA_NOT_FOUND"
    sharing.posted.add(media_id)
    call = app.public.PickRendition(request, metadata=grpc.aio.Metadata(("accept", CHROME), ("save-data", "on")))
    rendition = (await call).rendition
    assert rendition.url == f"{settings.media_base_url}/{media_id}/320.avif"
    headers = httpx.Headers([(name, str(value)) for name, value in await call.initial_metadata()])
    assert headers["location"] == rendition.url
    assert headers["vary"] == "accept, save-data"
    assert headers["cache-control"] == "public, max-age=60"
    assert (await app.public.PickRendition(request)).rendition.url.endswith("/640.jpg")


@pytest.mark.parametrize("media_id", ["", "x", str(PublicId(new_id(), 5))], ids=["none", "no id", "unknown"])
async def test_absent(app: MediaApp, media_id: str) -> None:
    """Unknown media are not found."""
    with pytest.raises(grpc.aio.AioRpcError) as refusal:
        await app.public.PickRendition(media_service_pb2.PickRenditionRequest(media_id=media_id))
    assert reason_of(refusal.value) == "MEDIA_NOT_FOUND"


async def test_invalid_width(app: MediaApp) -> None:
    """An impossible width is refused."""
    for width in (-1, 16_385):
        with pytest.raises(grpc.aio.AioRpcError) as refusal:
            await app.public.PickRendition(media_service_pb2.PickRenditionRequest(media_id="x", width=width))
        assert refusal.value.code() is grpc.StatusCode.INVALID_ARGUMENT
        assert [field for field, _ in violations_of(refusal.value)] == ["width"]
