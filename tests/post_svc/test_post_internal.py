"""The methods of post_svc for other services."""

import grpc
import pytest
from lensfeed.post.v1 import post_internal_service_pb2 as messages
from lensfeed.post.v1 import post_pb2

from meshkit.grpc.channels import connect
from meshkit.ids import PublicId
from tests.errors import reason_of
from tests.post_svc.clients import App, some_user
from tests.post_svc.media_peer import PROCESSING, MediaPeer

POST_SERVICE = messages.DESCRIPTOR.services_by_name["PostInternalService"].full_name


def _place(post: post_pb2.Post) -> messages.PostPlace:
    """Return the place of a post that was published at once."""
    return messages.PostPlace(author_id=post.author_id, place=PublicId.parse(post.post_id).local)


async def _post(app: App, peer: MediaPeer, author_id: int, count: int) -> list[post_pb2.Post]:
    """Create posts. Returns them newest first."""
    posts = [await app.create(author_id, [peer.add(author_id)], str(number)) for number in range(count)]
    return sorted(posts, key=lambda post: _place(post).place, reverse=True)


async def test_posts_come_in_the_order_asked_for(app: App, peer: MediaPeer) -> None:
    """Posts of several authors come in the order of the request, with their places."""
    ann, bob = await _post(app, peer, some_user(), 3), await _post(app, peer, some_user(), 2)
    wanted = [ann[1], bob[0], ann[2], ann[0], bob[1]]
    response = await app.internal.BatchGetPosts(messages.BatchGetPostsRequest(places=map(_place, wanted)))
    assert [found.post for found in response.posts] == wanted
    assert [found.place for found in response.posts] == [_place(post) for post in wanted]


async def test_absent_posts_are_left_out(app: App, peer: MediaPeer) -> None:
    """Missing, deleted and waiting posts and wrong authors are left out."""
    author = some_user()
    deleted, kept = await _post(app, peer, author, 2)
    await app.delete(author, deleted.post_id)
    waiting = await app.create(author, [peer.add(author, PROCESSING)])
    foreign = messages.PostPlace(author_id=some_user(), place=_place(kept).place)
    places = [_place(deleted), foreign, _place(kept), _place(waiting), messages.PostPlace()]
    response = await app.internal.BatchGetPosts(messages.BatchGetPostsRequest(places=places))
    assert [found.post for found in response.posts] == [kept]


async def test_no_places_are_no_posts(app: App) -> None:
    """An empty request has an empty answer."""
    assert list((await app.internal.BatchGetPosts(messages.BatchGetPostsRequest())).posts) == []


async def test_too_many_places_are_refused(app: App) -> None:
    """At most 200 places may be requested."""
    places = [messages.PostPlace(author_id=1, place=number) for number in range(1, 202)]
    assert list((await app.internal.BatchGetPosts(messages.BatchGetPostsRequest(places=places[:200]))).posts) == []
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await app.internal.BatchGetPosts(messages.BatchGetPostsRequest(places=places))
    assert (refused.value.code(), reason_of(refused.value)) == (grpc.StatusCode.INVALID_ARGUMENT, "FIELD_INVALID")


def _fullest_media(peer: MediaPeer, author_id: int) -> list[str]:
    """Create the maximum number of media with all renditions and the longest text of four-byte characters."""
    return [peer.add(author_id, renditions=12, alt_text="😀" * 1000) for _ in range(10)]


async def _get_fullest(address: str, peer: MediaPeer, count: int) -> bool:
    """Request the largest post many times, as another service does. Returns whether all come whole."""
    author = some_user()
    async with connect(address, POST_SERVICE) as channel:
        app = App(channel)
        post = await app.create(author, _fullest_media(peer, author), "😀" * 2200)
        request = messages.BatchGetPostsRequest(places=[_place(post)] * count)
        return [found.post for found in (await app.internal.BatchGetPosts(request)).posts] == [post] * count


async def test_fifty_of_the_fullest_posts_fit_into_an_answer(address: str, peer: MediaPeer) -> None:
    """An answer with 50 posts of the maximum size reaches another service."""
    assert await _get_fullest(address, peer, 50)


async def test_as_many_of_the_fullest_posts_as_the_contract_allows_fit_into_an_answer(
    address: str, peer: MediaPeer
) -> None:
    """An answer with 200 posts of the maximum size reaches another service."""
    assert await _get_fullest(address, peer, 200)


async def test_places_are_listed_for_each_author(app: App, peer: MediaPeer) -> None:
    """Each author is answered in the order of the request, newest first; without posts, with no places."""
    ann, bob = await _post(app, peer, some_user(), 3), await _post(app, peer, some_user(), 1)
    nobody = some_user()
    authors = [bob[0].author_id, nobody, ann[0].author_id]
    response = await app.internal.BatchListPlaces(
        messages.BatchListPlacesRequest(author_ids=authors, limit_per_author=2)
    )
    assert [each.author_id for each in response.authors] == authors
    assert [list(each.places) for each in response.authors] == [
        [_place(bob[0]).place],
        [],
        [_place(post).place for post in ann[:2]],
    ]


async def test_places_below_a_bound(app: App, peer: MediaPeer) -> None:
    """Only places below the bound are listed."""
    posts = await _post(app, peer, some_user(), 4)
    response = await app.internal.BatchListPlaces(
        messages.BatchListPlacesRequest(
            author_ids=[posts[0].author_id], before_place=_place(posts[1]).place, limit_per_author=1000
        )
    )
    assert list(response.authors[0].places) == [_place(post).place for post in posts[2:]]


@pytest.mark.parametrize("limit", [0, -1, 1001])
async def test_places_need_a_limit(app: App, limit: int) -> None:
    """The limit must be 1 to 1,000."""
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await app.internal.BatchListPlaces(messages.BatchListPlacesRequest(author_ids=[1], limit_per_author=limit))
    assert reason_of(refused.value) == "FIELD_INVALID"
