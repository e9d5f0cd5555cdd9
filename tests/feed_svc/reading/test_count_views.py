"""Views are reported to media_svc."""

import asyncio
from collections.abc import Mapping

from lensfeed.feed.v1 import feed_service_pb2
from lensfeed.media.v1 import media_pb2
from lensfeed.post.v1 import post_pb2
from structlog.testing import capture_logs

from feed_svc.peers import media_of
from feed_svc.reading.count_views import MAX_MEDIA, CountViews
from meshkit.errors import UnavailableError


def _card(*media_ids: str) -> bytes:
    media = [media_pb2.Media(media_id=each) for each in media_ids]
    return feed_service_pb2.FeedItem(post=post_pb2.Post(media=media)).SerializeToString()


class _Reported:
    """Collects counts; fails while `is_down`."""

    def __init__(self) -> None:
        self.calls: list[dict[str, int]] = []
        self.is_down = False

    async def __call__(self, views: Mapping[str, int]) -> None:
        if self.is_down:
            raise UnavailableError
        self.calls.append(dict(views))


async def test_every_item() -> None:
    """With a step of one, each item of each page is counted once, with all its media."""
    reported = _Reported()
    sample = CountViews(reported, media_of, every=1)
    sample.record([_card("a"), _card("b", "c"), _card()])
    sample.record([])
    sample.record([_card("a")])
    await sample.flush()
    assert reported.calls == [{"a": 2, "b": 1, "c": 1}]
    await sample.flush()
    assert len(reported.calls) == 1


async def test_estimate() -> None:
    """Each sampled item counts as a hundred, so the sum is close to the truth for any page size."""
    for size in (1, 7, 20, 100):
        reported = _Reported()
        sample = CountViews(reported, media_of)
        for _ in range(100_000 // size):
            sample.record([_card("a")] * size)
        await sample.flush()
        (views,) = reported.calls
        # A thousand picks, of which the deviation is below 2 %: six of those.
        assert 88_000 < views["a"] < 112_000


async def test_many_media() -> None:
    """No request contains more media than the contract allows."""
    reported = _Reported()
    sample = CountViews(reported, media_of, every=1)
    sample.record([_card(f"m{number}") for number in range(2 * MAX_MEDIA + 1)])
    await sample.flush()
    assert [len(each) for each in reported.calls] == [MAX_MEDIA, MAX_MEDIA, 1]


async def test_outage() -> None:
    """A sample is lost while media_svc is down; reads continue, and later samples are counted."""
    reported = _Reported()
    reported.is_down = True
    sample = CountViews(reported, media_of, every=1)
    sample.record([_card("a")])
    await sample.flush()
    reported.is_down = False
    sample.record([_card("b")])
    await sample.flush()
    assert reported.calls == [{"b": 1}]


async def test_an_invalid_item() -> None:
    """An invalid item is logged and its sample is lost, because serving feeds matters more."""
    reported = _Reported()
    sample = CountViews(reported, media_of, every=1)
    sample.record([b"\xff no item"])
    with capture_logs() as logs:
        await sample.flush()
    assert [log["event"] for log in logs] == ["views_not_counted"]
    sample.record([_card("b")])
    await sample.flush()
    assert reported.calls == [{"b": 1}]


async def test_ends_with_the_process() -> None:
    """The loop ends as soon as the process stops."""
    stopping = asyncio.Event()
    running = asyncio.create_task(CountViews(_Reported(), media_of).run(stopping))
    await asyncio.sleep(0)
    stopping.set()
    async with asyncio.timeout(2):
        await running
