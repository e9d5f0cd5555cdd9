"""Pages as the edge gets them for REST."""

import json
from collections.abc import AsyncIterator

import pytest
from google.api.httpbody_pb2 import HttpBody
from google.protobuf import json_format
from lensfeed.feed.v1 import feed_service_pb2
from redis.asyncio import Redis

from feed_svc.model import entry_of
from feed_svc.presenting.json_cards import KEEP_SECONDS, JsonCards
from feed_svc.presenting.json_page import json_page
from feed_svc.presenting.protobuf_page import protobuf_page, with_etag
from feed_svc.reading.get_feed import EmptyReason, FeedPage
from feed_svc.store.kept_bytes import OVERHEAD
from meshkit.redis.mux import RedisMux
from tests.cards import full_card
from tests.feed_svc.served import AUTHOR, Served, serving

CARDS = [full_card(seed).SerializeToString() for seed in range(3)]
ETAG = 'W/"abc"'


@pytest.fixture(params=[0, 1024 * 1024], ids=["cards in Redis", "cards in memory"])
async def served(redis: "Redis", mux: RedisMux, request: pytest.FixtureRequest) -> AsyncIterator[Served]:
    """Serve a feed."""
    async with serving(redis, mux, card_memory=request.param) as served:
        yield served


def parsed(body: bytes) -> feed_service_pb2.GetFeedResponse:
    """Read a page from its JSON."""
    return json_format.Parse(body, feed_service_pb2.GetFeedResponse())


@pytest.mark.parametrize(
    "page",
    [
        FeedPage(CARDS, "cursor"),
        FeedPage(CARDS[:1]),
        FeedPage([]),
        FeedPage([], None, EmptyReason.FOLLOWS_NOBODY),
        FeedPage([], None, EmptyReason.NO_POSTS_YET),
    ],
)
def test_both_forms_are_the_same_page(page: FeedPage) -> None:
    """JSON is what protobuf's own library makes of the message."""
    message = feed_service_pb2.GetFeedResponse.FromString(with_etag(protobuf_page(page), ETAG))
    body = HttpBody.FromString(json_page(page, ETAG, JsonCards(1024 * 1024)))
    assert body.content_type == "application/json"
    expected = json_format.MessageToDict(message, always_print_fields_with_no_presence=True)
    assert json.loads(body.data) == expected
    assert parsed(body.data) == message


async def test_rest_shows_what_grpc_shows(served: Served) -> None:
    """Both answers are the same message, with the same ETag."""
    for _ in range(2):
        await served.feed.follow_changes()
        page = await served.page()
        assert parsed((await served.json()).data) == page
        assert page.etag


async def test_a_known_page_is_not_repeated(served: Served) -> None:
    """The edge makes a 304 of the answer, whichever form the caller knows."""
    etag = (await served.page(limit=0)).etag
    viewed = len(served.viewed)
    answer = await served.json(known=etag, limit=0)
    assert parsed(answer.data) == feed_service_pb2.GetFeedResponse(etag=etag, not_modified=True)
    assert len(served.viewed) == viewed
    assert (await served.headers(etag))["lensfeed-not-modified"] == "1"


async def test_a_post_is_gone_in_both_forms_at_once(served: Served) -> None:
    """Once a deletion is handled, neither form has the post."""
    await served.feed.follow_changes()
    for _ in range(2):
        assert len(parsed((await served.json(limit=3)).data).items) == 3
    served.world.delete(AUTHOR, 2)
    await served.feed.cards.mark_gone(entry_of(2, AUTHOR))
    await served.feed.follow_changes()
    page = await served.page(limit=3)
    assert [item.post.post_id for item in page.items] == ["3", "1"]
    assert parsed((await served.json(limit=3)).data) == page


async def test_an_edit_shows_in_both_forms_at_once(served: Served) -> None:
    """Once the cards of a changed profile are dropped, both forms have the new content."""
    await served.feed.follow_changes()
    await served.json()
    served.world.caption = "second"
    await served.feed.cards.drop([entry_of(place, AUTHOR) for place in (1, 2, 3)])
    await served.feed.follow_changes()
    page = await served.page()
    assert [item.post.caption for item in page.items] == ["second", "second"]
    assert parsed((await served.json()).data) == page


async def test_a_degraded_page_has_no_etag(served: Served) -> None:
    """A page that may lack items says so in its header."""
    await served.json(limit=3)
    await served.redis.delete(b"card:" + entry_of(1, AUTHOR))
    served.world.is_away = True
    page = parsed((await served.json(limit=3)).data)
    assert (len(page.items), page.HasField("etag")) == (2, False)
    assert await served.headers() == {"lensfeed-degraded": "1"}


def test_json_is_made_once() -> None:
    """A card is printed again only after its JSON has left memory, by age or for want of room."""
    moments = [0.0]
    room = len(CARDS[0]) + len(JsonCards(0)(CARDS[:1])[0]) + OVERHEAD
    json_of = JsonCards(room, lambda: moments[0])
    (first,) = json_of(CARDS[:1])
    moments[0] = KEEP_SECONDS
    assert json_of([b"".join((CARDS[0][:1], CARDS[0][1:]))])[0] is first
    moments[0] += 1
    (again,) = json_of(CARDS[:1])
    assert (again == first, again is first) == (True, False)
    json_of(CARDS[1:2])
    assert json_of(CARDS[:1])[0] is not again


def test_without_memory_json_is_made_each_time() -> None:
    """A limit of 0 keeps nothing."""
    json_of = JsonCards(0)
    first, second = json_of(CARDS[:1]), json_of(CARDS[:1])
    assert first == second
    assert first[0] is not second[0]
