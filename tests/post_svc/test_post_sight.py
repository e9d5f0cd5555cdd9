"""Who sees posts."""

from collections.abc import Awaitable

import grpc
import pytest

from meshkit.grpc.server import running
from meshkit.ids import PublicId, new_id
from post_svc.app import serving_process
from post_svc.settings import ServeSettings
from tests.errors import reason_of, status_of
from tests.post_svc.clients import App, some_user
from tests.post_svc.media_peer import MediaPeer
from tests.post_svc.post_stores import until_it_answers
from tests.served_sights import NOWHERE, ServedSights


async def refusal(call: Awaitable[object]) -> grpc.aio.AioRpcError:
    """Return the error of a call."""
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await call
    return refused.value


async def test_who_is_blocked_is_answered_as_by_nobody(app: App, peer: MediaPeer, sights: ServedSights) -> None:
    """A blocker's post is like one that does not exist, and the blocker's list like that of no account."""
    blocker, blocked = some_user(), some_user()
    older, post = [await app.create(blocker, [peer.add(blocker)]) for _ in range(2)]
    cursor = (await app.page(blocked, blocker, limit=1)).next_cursor
    await sights.block(blocker, blocked)
    hidden = await refusal(app.get(blocked, post.post_id))
    assert reason_of(hidden) == "POST_NOT_FOUND"
    assert status_of(hidden) == status_of(await refusal(app.get(blocked, str(PublicId(new_id(), blocker)))))
    assert await app.page(blocked, blocker) == await app.page(blocked, some_user())
    assert not (await app.page(blocked, blocker, cursor)).posts
    await sights.unblock(blocker, blocked)
    assert await app.get(blocked, post.post_id) == post
    assert list((await app.page(blocked, blocker, cursor)).posts) == [older]


async def test_who_blocks_is_told_so(app: App, peer: MediaPeer, sights: ServedSights) -> None:
    """What a blocker asks of the blocked account is USER_BLOCKED."""
    blocker, blocked = some_user(), some_user()
    post = await app.create(blocked, [peer.add(blocked)])
    await sights.block(blocker, blocked)
    for call in (app.get(blocker, post.post_id), app.page(blocker, blocked)):
        refused = await refusal(call)
        assert (refused.code(), reason_of(refused)) == (grpc.StatusCode.PERMISSION_DENIED, "USER_BLOCKED")


async def test_a_private_account_shows_its_posts_to_itself(app: App, peer: MediaPeer, sights: ServedSights) -> None:
    """To a stranger its list is ACCOUNT_PRIVATE, and each post does not exist."""
    author, stranger = some_user(), some_user()
    post = await app.create(author, [peer.add(author)])
    await sights.make_private(author)
    refused = await refusal(app.page(stranger, author))
    assert (refused.code(), reason_of(refused)) == (grpc.StatusCode.PERMISSION_DENIED, "ACCOUNT_PRIVATE")
    assert reason_of(await refusal(app.get(stranger, post.post_id))) == "POST_NOT_FOUND"
    assert await app.get(author, post.post_id) == post
    assert list((await app.page(author, author)).posts) == [post]


async def test_without_follow_svc_only_own_posts_are_shown(settings: ServeSettings, peer: MediaPeer) -> None:
    """While follow_svc is down, others' posts are UNAVAILABLE, and one's own can be made, read and deleted."""
    without = settings.model_copy(update={"follow_addr": NOWHERE})
    author = some_user()
    async with (
        serving_process(without) as process,
        running(process, without) as address,
        grpc.aio.insecure_channel(address) as channel,
    ):
        await until_it_answers(process.dependencies["store"])
        app = App(channel)
        post = await app.create(author, [peer.add(author)])
        for call in (app.get(some_user(), post.post_id), app.page(some_user(), author)):
            assert reason_of(await refusal(call)) == "UNAVAILABLE"
        assert await app.get(author, post.post_id) == post
        assert await app.walk(author, author) == [post]
        await app.delete(author, post.post_id)
