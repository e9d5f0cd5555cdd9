"""The Python client on a line that breaks after the mesh has done a call, before its answer arrives."""

from collections.abc import AsyncIterator

import grpc
import pytest
import pytest_asyncio
from lensfeed_client import AsyncLensfeed, LensfeedError, MemorySessions

from tests.blackbox.mesh import Mesh
from tests.blackbox.people import eventually
from tests.clients.lossy_line import LossyLine, lossy_line
from tests.clients.python_people import PASSWORD, corrupt, new_handle, new_user, stored
from tests.media_svc.pictures import encoded, quarters

pytestmark = pytest.mark.mesh

USER, POST = "/lensfeed.user.v1.UserService", "/lensfeed.post.v1.PostService"
MEDIA, FOLLOW = "/lensfeed.media.v1.MediaService", "/lensfeed.follow.v1.FollowService"
CHANGES = (
    f"{USER}/CreateUser",
    f"{MEDIA}/StartUpload",
    f"{MEDIA}/CompleteUpload",
    f"{POST}/CreatePost",
    f"{POST}/DeletePost",
    f"{FOLLOW}/CreateFollow",
    f"{FOLLOW}/DeleteFollow",
)
READS = ("/lensfeed.feed.v1.FeedService/GetFeed", f"{POST}/ListUserPosts", f"{USER}/GetUser")


@pytest_asyncio.fixture
async def line(mesh: Mesh) -> AsyncIterator[LossyLine]:
    """Yield a line that loses the first answer to each change and to some reads."""
    async with lossy_line(mesh.address, dict.fromkeys((*CHANGES, *READS), 1)) as line:
        yield line


async def test_every_change_is_made_once(mesh: Mesh, line: LossyLine) -> None:
    """Sign-up, upload, post and follow succeed although each first answer is lost, and none is done twice."""
    async with AsyncLensfeed(line.url) as ada, AsyncLensfeed(mesh.url) as ben:
        author = await new_user(ada, "ada")
        reader = await new_user(ben, "ben")
        await ada.follow(reader.user_id)
        await ben.follow(author.user_id)
        media = await ada.upload(encoded(quarters(), "image/jpeg"))
        post = await ada.post([media.media_id], "once")
        await ada.wait_until_ready(media.media_id, timeout=60)

        async def seen() -> list[str]:
            return [item.post.post_id async for item in ben.feed()]

        assert await eventually(seen, bool) == [post.post_id]
        assert [each.post_id async for each in ada.user_posts(author.user_id)] == [post.post_id]
        assert (await ada.whoami()).user_id == author.user_id
        await ada.unfollow(reader.user_id)
        await ada.delete_post(post.post_id)
        assert [each async for each in ada.feed()] == []
    assert set(line.lost) == {*CHANGES, *READS}


async def test_a_lost_refresh_keeps_the_session(mesh: Mesh) -> None:
    """If the answer to a refresh is lost, the same token gets the same new tokens, and the session lives on."""
    sessions = MemorySessions()
    refresh = f"{USER}/RefreshSession"
    async with lossy_line(mesh.address, {refresh: 2}) as line:
        async with AsyncLensfeed(line.url, sessions=sessions) as feed:
            handle = (await new_user(feed, "ada")).handle
            for _ in range(3):
                before = corrupt(sessions, line.url)
                assert (await feed.whoami()).handle == handle
                assert stored(sessions, line.url).refresh_token != before.refresh_token
        assert line.lost == [refresh] * 2


async def test_a_lost_log_in_is_not_repeated(mesh: Mesh) -> None:
    """A log-in has no key: the client reports the loss, and logging in again works."""
    log_in = f"{USER}/CreateSession"
    async with lossy_line(mesh.address, {log_in: 1}) as line, AsyncLensfeed(line.url) as feed:
        handle = new_handle("ada")
        await feed.sign_up(handle, PASSWORD)
        with pytest.raises(LensfeedError) as failure:
            await feed.log_in(handle, PASSWORD)
        assert failure.value.code is grpc.StatusCode.UNAVAILABLE
        async with AsyncLensfeed(line.url) as again:  # the old connection may still be breaking
            assert (await again.log_in(handle, PASSWORD)).handle == handle


async def test_a_sign_up_can_be_repeated_by_its_key(mesh: Mesh) -> None:
    """An app that gave up can sign up again with its own key, and gets its account instead of HANDLE_TAKEN."""
    handle = new_handle("ada")
    async with lossy_line(mesh.address, {f"{USER}/CreateUser": 100}) as line:
        async with AsyncLensfeed(line.url, timeout=3) as feed:
            with pytest.raises(LensfeedError):
                await feed.sign_up(handle, PASSWORD, idempotency_key=f"key of {handle}")
        assert len(line.lost) > 1
    async with AsyncLensfeed(mesh.url) as feed:
        user = await feed.sign_up(handle, PASSWORD, idempotency_key=f"key of {handle}")
        assert (await feed.log_in(handle, PASSWORD)) == user
