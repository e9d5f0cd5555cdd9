"""Avatars: real photos from a real media_svc."""

import io
from collections.abc import AsyncIterator
from dataclasses import dataclass

import grpc
import pytest
from lensfeed.media.v1 import media_pb2
from lensfeed.user.v1.user_pb2 import User
from lensfeed.user.v1.user_service_pb2 import GetUserRequest, UpdateUserRequest
from PIL import Image

from devmesh.parts.bucket import S3
from meshkit.ids import PublicId, new_id
from tests.errors import reason_of
from tests.media_svc.media_app import MediaApp
from tests.served_sights import ServedSights
from tests.user_svc.running_media import running_media
from tests.user_svc.running_users import Users, caller, running_users
from tests.user_svc.user_stores import SERVED_PREFIX, store_settings
from user_svc.peers import picture_of

pytestmark = pytest.mark.slow


def photo(width: int, height: int) -> bytes:
    """Draw a picture."""
    content = io.BytesIO()
    Image.linear_gradient("L").resize((width, height)).convert("RGB").save(content, "JPEG")
    return content.getvalue()


@dataclass(frozen=True, slots=True)
class Studio:
    """A user_svc with a media_svc."""

    users: Users
    media: MediaApp

    async def new_photo(self, owner: User, width: int = 900, height: int = 600) -> media_pb2.Media:
        """Upload a photo and wait until it is ready."""
        media_id = await self.media.upload(owner.user_id, "image/jpeg", photo(width, height))
        media = await self.media.settled(owner.user_id, media_id)
        assert media.state == media_pb2.MEDIA_STATE_READY, media
        return media

    async def set_avatar(self, user: User, media_id: str) -> User:
        """Set the avatar."""
        request = UpdateUserRequest(avatar_media_id=media_id)
        return (await self.users.public.UpdateUser(request, metadata=caller(user.user_id))).user

    async def read(self, user: User) -> User:
        """Read a user as another user."""
        return (await self.users.public.GetUser(GetUserRequest(user_id=user.user_id), metadata=caller(1))).user


@pytest.fixture(scope="module")
async def studio(
    contact_points: str | None, tmp_path_factory: pytest.TempPathFactory, redis_url: str, s3: S3, sights: ServedSights
) -> AsyncIterator[Studio]:
    """Run both services."""
    folder = tmp_path_factory.mktemp("studio")
    store = store_settings(contact_points, folder, SERVED_PREFIX)
    async with (
        running_media(folder, redis_url=redis_url, s3=s3) as (media, address),
        running_users(folder, store, redis_url=redis_url, media_addr=address, follow_addr=sights.address) as users,
    ):
        yield Studio(users, media)


def jpegs(media: media_pb2.Media) -> list[media_pb2.Rendition]:
    """Return a photo's JPEG renditions."""
    return [each for each in media.renditions if each.content_type == "image/jpeg"]


async def test_avatar_is_a_jpeg_that_is_wide_enough(studio: Studio) -> None:
    """The avatar is the narrowest JPEG of at least 320 pixels of a ready photo, visible to everybody."""
    user = await studio.users.new_user()
    media = await studio.new_photo(user)
    changed = await studio.set_avatar(user, media.media_id)
    expected = min((each for each in jpegs(media) if each.width >= 320), key=lambda each: each.width)
    assert changed.avatar_url == expected.url
    assert await studio.read(user) == changed


async def test_avatar_of_a_small_photo(studio: Studio) -> None:
    """The avatar of a photo narrower than 320 pixels is its widest JPEG."""
    user = await studio.users.new_user()
    media = await studio.new_photo(user, 200, 100)
    changed = await studio.set_avatar(user, media.media_id)
    assert changed.avatar_url == max(jpegs(media), key=lambda each: each.width).url


async def test_avatar_is_removed(studio: Studio) -> None:
    """An empty id removes the avatar; changing another field keeps it."""
    user = await studio.users.new_user()
    chosen = await studio.set_avatar(user, (await studio.new_photo(user)).media_id)
    request = UpdateUserRequest(bio="hello")
    changed = (await studio.users.public.UpdateUser(request, metadata=caller(user.user_id))).user
    assert changed.avatar_url == chosen.avatar_url
    removed = await studio.set_avatar(user, "")
    assert (removed.avatar_url, removed.bio) == ("", "hello")
    assert await studio.read(user) == removed


async def test_avatar_must_be_there_and_ones_own(studio: Studio) -> None:
    """A medium that is absent or another user's is MEDIA_NOT_FOUND."""
    user, other = await studio.users.new_user(), await studio.users.new_user()
    foreign = await studio.new_photo(other)
    for media_id in (str(PublicId(new_id(), user.user_id)), foreign.media_id):
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await studio.set_avatar(user, media_id)
        assert caught.value.code() is grpc.StatusCode.NOT_FOUND
        assert reason_of(caught.value) == "MEDIA_NOT_FOUND"
    assert await studio.read(user) == user


async def test_avatar_must_be_ready(studio: Studio) -> None:
    """A photo without its bytes is MEDIA_NOT_READY."""
    user = await studio.users.new_user()
    started = await studio.media.start(user.user_id, "image/jpeg", 1000)
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await studio.set_avatar(user, started.media_id)
    assert caught.value.code() is grpc.StatusCode.FAILED_PRECONDITION
    assert reason_of(caught.value) == "MEDIA_NOT_READY"
    assert await studio.read(user) == user


@pytest.mark.slow
async def test_avatar_must_be_servable(studio: Studio) -> None:
    """A rejected medium cannot be an avatar."""
    user = await studio.users.new_user()
    media_id = await studio.media.upload(user.user_id, "image/jpeg", b"\xff\xd8\xff\xe0" + b"no picture" * 100)
    assert (await studio.media.settled(user.user_id, media_id)).state == media_pb2.MEDIA_STATE_REJECTED
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await studio.set_avatar(user, media_id)
    assert reason_of(caught.value) == "MEDIA_NOT_READY"


@pytest.mark.parametrize("kind", media_pb2.MediaKind.values())
@pytest.mark.parametrize("state", media_pb2.MediaState.values())
def test_avatar_is_a_ready_photo(kind: media_pb2.MediaKind.ValueType, state: media_pb2.MediaState.ValueType) -> None:
    """Only a READY photo can be an avatar: no video, nothing unfinished."""
    media = media_pb2.Media(kind=kind, state=state)
    is_right = kind == media_pb2.MEDIA_KIND_PHOTO and state == media_pb2.MEDIA_STATE_READY
    assert picture_of(media).is_ready_photo is is_right
