"""The JSON form of requests and responses."""

from lensfeed.feed.v1 import feed_service_pb2
from lensfeed.media.v1 import media_pb2

from tests.cards import empty_card, full_card
from tests.edge_proxy.backend import Backend
from tests.edge_proxy.conftest import Edge


async def test_an_empty_feed_has_items_and_a_reason(edge: Edge, backend: Backend, bearer: dict[str, str]) -> None:
    """Empty lists are printed, unset optionals are not, and enums are names."""
    backend.feed = feed_service_pb2.GetFeedResponse(empty_reason=feed_service_pb2.EMPTY_REASON_FOLLOWS_NOBODY)
    response = await edge.http.get("/feed", headers=bearer)
    assert response.json() == {"items": [], "emptyReason": "EMPTY_REASON_FOLLOWS_NOBODY"}


async def test_the_last_page_has_no_cursor(edge: Edge, backend: Backend, bearer: dict[str, str]) -> None:
    """An unset optional is absent."""
    response = await edge.http.get("/feed", headers=bearer)
    assert response.json() == {"items": []}
    backend.feed = feed_service_pb2.GetFeedResponse(next_cursor="c")
    assert (await edge.http.get("/feed", headers=bearer)).json() == {"items": [], "nextCursor": "c"}


async def test_defaults_are_printed_and_absent_messages_are_not(
    edge: Edge, backend: Backend, bearer: dict[str, str]
) -> None:
    """Fields without presence are always printed, 64-bit numbers are strings, unset messages are absent."""
    item = backend.feed.items.add()
    item.post.author_id = 2**62 + 1
    item.post.media.add(state=media_pb2.MEDIA_STATE_READY, thumbhash=b"\x00\xff")
    (printed,) = (await edge.http.get("/feed", headers=bearer)).json()["items"]
    assert printed == {
        "post": {
            "postId": "",
            "authorId": "4611686018427387905",
            "caption": "",
            "state": "POST_STATE_UNSPECIFIED",
            "media": [
                {
                    "mediaId": "",
                    "state": "MEDIA_STATE_READY",
                    "kind": "MEDIA_KIND_UNSPECIFIED",
                    "width": 0,
                    "height": 0,
                    "durationMs": "0",
                    "thumbhash": "AP8=",
                    "altText": "",
                    "renditions": [],
                    "hlsUrl": "",
                    "progressPercent": 0,
                    "isLooping": False,
                }
            ],
        },
        "isPrivate": False,
    }


async def test_the_edge_and_the_service_print_the_same(edge: Edge, backend: Backend, bearer: dict[str, str]) -> None:
    """A post and its author look the same in a feed, which feed_svc prints, as alone, which the edge translates."""
    for card in (full_card(1), full_card(2), empty_card()):
        del backend.feed.items[:]
        backend.feed.items.append(card)
        (item,) = (await edge.http.get("/feed", headers=bearer)).json()["items"]
        assert item["post"] == (await edge.http.get("/posts/1", headers=bearer)).json()["post"]
        assert item["author"] == (await edge.http.get("/users/1", headers=bearer)).json()["user"]


async def test_false_and_zero_are_printed(edge: Edge, backend: Backend, bearer: dict[str, str]) -> None:
    """False and zero values are printed."""
    response = await edge.http.get("/users/5/relationship", headers=bearer)
    counts = {"followerCount": "0", "followingCount": "0"}
    flags = dict.fromkeys(("following", "followedBy", "muting", "blocking", "requested", "requestedBy"), False)
    assert response.json() == {**flags, "visibility": "ACCOUNT_VISIBILITY_UNSPECIFIED", **counts}
    assert backend.last.request.user_id == 5


async def test_bodies_take_strings_and_numbers(edge: Edge, backend: Backend, bearer: dict[str, str]) -> None:
    """A 64-bit id may be a string or a number, and unknown fields are ignored."""
    for sent in ({"followeeId": "7"}, {"followeeId": 7}, {"followeeId": "7", "later": True}):
        response = await edge.http.post("/follows", json=sent, headers=bearer)
        assert response.status_code == 200
        assert backend.last.request.followee_id == 7


async def test_the_path_overrides_the_body(edge: Edge, backend: Backend, bearer: dict[str, str]) -> None:
    """A path value takes precedence over the same field in the body."""
    await edge.http.post("/media/m-1/complete", json={"mediaId": "m-2"}, headers=bearer)
    assert backend.last.request.media_id == "m-1"


async def test_the_largest_page_passes(edge: Edge, backend: Backend, bearer: dict[str, str]) -> None:
    """A page of 100 posts with ten media of a dozen renditions each passes."""
    for _ in range(100):
        item = backend.feed.items.add()
        item.post.caption = "c" * 2200
        for _ in range(10):
            medium = item.post.media.add(alt_text="a" * 100)
            for _ in range(12):
                medium.renditions.add(url="u" * 100, content_type="image/avif", width=1, height=1, size_bytes=1)
    response = await edge.http.get("/feed?limit=100", headers=bearer)
    assert response.status_code == 200
    assert len(response.content) > 2 * 1024 * 1024
    assert len(response.json()["items"]) == 100
