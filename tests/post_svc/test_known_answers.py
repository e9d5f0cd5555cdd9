"""Posts and lists that the caller already has."""

from lensfeed.post.v1.post_service_pb2 import (
    GetPostRequest,
    GetPostResponse,
    ListUserPostsRequest,
    ListUserPostsResponse,
)

from tests.post_svc.clients import App, some_user
from tests.post_svc.media_peer import PROCESSING, READY, MediaPeer


def as_user(user_id: int) -> tuple[tuple[str, str], ...]:
    """Return the metadata of a user's call."""
    return (("x-user-id", str(user_id)),)


async def test_a_known_list_is_not_repeated(app: App, peer: MediaPeer) -> None:
    """A list is repeated once a post was added or deleted."""
    author = some_user()
    post = await app.create(author, [peer.add(author)])

    async def read(known: str = "") -> ListUserPostsResponse:
        request = ListUserPostsRequest(user_id=author, if_none_match=known)
        return await app.stub.ListUserPosts(request, metadata=as_user(author))

    first = await read()
    assert await read(first.etag) == ListUserPostsResponse(etag=first.etag, not_modified=True)
    newer = await app.create(author, [peer.add(author)])
    second = await read(first.etag)
    assert list(second.posts) == [newer, post]
    assert not second.HasField("not_modified")
    await app.delete(author, newer.post_id)
    third = await read(second.etag)
    assert (list(third.posts), third.etag) == ([post], first.etag)


async def test_a_known_post_is_not_repeated(app: App, peer: MediaPeer) -> None:
    """A waiting post is repeated once its media are further."""
    author = some_user()
    medium = peer.add(author, PROCESSING)
    post_id = (await app.create(author, [medium])).post_id

    async def read(known: str = "") -> GetPostResponse:
        request = GetPostRequest(post_id=post_id, if_none_match=known)
        return await app.stub.GetPost(request, metadata=as_user(author))

    waiting = await read()
    assert await read(waiting.etag) == GetPostResponse(etag=waiting.etag, not_modified=True)
    peer.move(medium, READY)
    moved = await read(waiting.etag)
    assert list(moved.post.media) == [peer.medium(medium)]
    assert moved.etag != waiting.etag


async def test_rest_has_headers(app: App, peer: MediaPeer) -> None:
    """The edge gets the ETag and the mark for a 304 as headers."""
    author = some_user()
    request = GetPostRequest(post_id=(await app.create(author, [peer.add(author)])).post_id)
    rest = (*as_user(author), ("x-lensfeed-rest", "1"))
    call = app.stub.GetPost(request, metadata=rest)
    etag = (await call).etag
    assert dict(await call.initial_metadata())["etag"] == etag
    call = app.stub.GetPost(request, metadata=(*rest, ("if-none-match", etag)))
    assert (await call).not_modified
    assert dict(await call.initial_metadata())["lensfeed-not-modified"] == "1"
