"""One trace, with links, shows a post from `POST /posts` to the first feed that can show it."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

import pytest
import pytest_asyncio

from tests.blackbox.clean_mesh import clean_mesh
from tests.blackbox.mesh import Reach, reached
from tests.blackbox.people import eventually, new_user
from tests.meshkit.telemetry.collector import Collector, Span, running_collector

pytestmark = pytest.mark.mesh

CREATE, FEED = "lensfeed.post.v1.PostService/CreatePost", "lensfeed.feed.v1.FeedService/GetFeed"
FRONT, FAN_OUT = ("edge", f"/{CREATE}"), ("feed_svc work", "process post")
FOLLOWERS = ("follow_svc", "lensfeed.follow.v1.FollowInternalService/ListFollowerIds")
OUTSIDE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00"


@dataclass(frozen=True)
class Traced:
    """A mesh that sends its traces to a collector."""

    collector: Collector
    reach: Reach

    async def caused_by_post(self, *wanted: tuple[str, str]) -> list[Span]:
        """Return what the only POST /posts caused, once that includes each (service, name)."""

        async def look() -> list[Span]:
            fronts = [span for span in self.collector.spans if (span.service, span.name) == FRONT]
            return _caused_by(fronts[0], self.collector.spans) if fronts else []

        return await eventually(look, lambda found: set(wanted) <= {(each.service, each.name) for each in found})


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def traced(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Traced]:
    """Give a mesh of its own."""
    async with running_collector() as collector:
        otel = {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.endpoint, "OTEL_BSP_SCHEDULE_DELAY": "200"}
        async with (
            clean_mesh(tmp_path_factory.mktemp("traced") / "data", "sqlite", settings=otel) as mesh,
            reached(mesh) as reach,
        ):
            yield Traced(collector, reach)


def _caused_by(first: Span, spans: Sequence[Span]) -> list[Span]:
    """Return a span and all that it caused, by parents and links, in the order of their ends."""
    found = {first.span_id: first}
    while more := {
        each.span_id: each
        for each in spans
        if each.span_id not in found and ({each.parent_id, *(span for _, span in each.links)} & found.keys())
    }:
        found |= more
    return sorted(found.values(), key=lambda span: span.end_ns)


async def test_a_post_is_followed_to_the_first_feed(traced: Traced, photo: bytes) -> None:
    """The edge's span, the service's, the event and the fan-out hang together, and end before the feed is read."""
    ann, bob = await new_user(traced.reach, "ann"), await new_user(traced.reach, "bob")
    await ann.follow(bob)
    media_id = await bob.upload(photo)
    await bob.finished(media_id)
    await bob.call("POST", "/posts", {"caption": "traced", "mediaIds": [media_id]}, traceparent=OUTSIDE)
    await ann.sees("traced")
    caused = await traced.caused_by_post(("post_svc", CREATE), ("post_svc", "send post"), FAN_OUT, FOLLOWERS)
    [front] = [span for span in caused if (span.service, span.name) == FRONT]
    assert (front.parent_id, front.trace_id in OUTSIDE) == ("", False)
    [fan_out] = [
        span
        for span in caused
        if (span.service, span.name) == FAN_OUT and span.attributes["lensfeed.event"] == "post_published"
    ]
    [service] = [span for span in caused if span.name == CREATE]
    assert service.parent_id == front.span_id
    assert fan_out.links == [(service.trace_id, service.span_id)]
    assert fan_out.trace_id != service.trace_id
    ids = {span.attributes.get("lensfeed.request_id") for span in caused if span.trace_id == front.trace_id}
    assert len(ids - {None}) == 1


async def test_an_upload_is_followed_until_it_is_ready(traced: Traced, photo: bytes) -> None:
    """The job of a photo is linked to the event that queued it, and that to the call that completed the upload."""
    bob = await new_user(traced.reach, "bob")
    media_id = await bob.upload(photo)
    await bob.finished(media_id)

    async def look() -> list[Span]:
        jobs = [span for span in traced.collector.spans if span.attributes.get("lensfeed.media_id") == media_id]
        return [span for span in jobs if span.name == "process media:{photos}"]

    [job] = await eventually(look, lambda found: len(found) == 1)
    [(_, cause)] = job.links

    async def causes() -> list[Span]:
        return [span for span in traced.collector.spans if span.span_id == cause]

    [event] = await eventually(causes, lambda found: len(found) == 1)
    assert (event.name, event.attributes["lensfeed.event"]) == ("process media", "media_uploaded")
    assert event.links


async def test_a_caller_does_not_decide_what_is_sampled(traced: Traced) -> None:
    """A call is in the edge's own trace, whether the caller says that it is sampled or not, or asks for a trace."""
    ann = await new_user(traced.reach, "ann")
    before = len(_feeds(traced.collector))
    headers = {"traceparent": OUTSIDE, "x_client_trace_id": "7", "x_envoy_force_trace": "1"}
    await ann.call("GET", "/feed", None, **headers)
    await ann.call("GET", "/feed", None, traceparent=f"{OUTSIDE[:-2]}01")

    async def look() -> list[Span]:
        return _feeds(traced.collector)[before:]

    found = await eventually(look, lambda found: len(found) == 2)
    assert not any(span.trace_id in OUTSIDE for span in found)
    assert len({span.trace_id for span in found}) == 2


def _feeds(collector: Collector) -> list[Span]:
    return [span for span in collector.spans if (span.service, span.name) == ("feed_svc", FEED)]
