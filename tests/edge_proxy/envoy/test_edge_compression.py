"""Answers get smaller for those who ask."""

import pytest
from lensfeed.feed.v1.feed_service_pb2 import GetFeedRequest

from tests.edge_proxy.backend import Backend
from tests.edge_proxy.conftest import Edge
from tests.edge_proxy.protocols import FEED_PATH
from tests.protocols import grpc_web_call


@pytest.fixture
def page(backend: Backend) -> Backend:
    """Let the feed have a page of text."""
    for _ in range(20):
        backend.feed.items.add().post.caption = "a caption that says the same again and again " * 4
    return backend


async def sizes(edge: Edge, path: str, headers: dict[str, str], accepted: str) -> tuple[str, int]:
    """Return how an answer came, and the bytes of its body on the wire."""
    async with edge.http.stream("GET", path, headers={**headers, "accept-encoding": accepted}) as response:
        assert response.status_code in {200, 404}
        raw = b"".join([part async for part in response.aiter_raw()])
    return response.headers.get("content-encoding", "identity"), len(raw)


@pytest.mark.usefixtures("page")
@pytest.mark.parametrize("encoding", ["gzip", "br", "zstd"])
async def test_json_is_compressed_for_who_asks(edge: Edge, bearer: dict[str, str], encoding: str) -> None:
    """A page comes in the encoding that the app takes, and is a fraction of what it was."""
    _, plain = await sizes(edge, "/feed", bearer, "identity")
    got, compressed = await sizes(edge, "/feed", bearer, encoding)
    assert got == encoding
    assert compressed < plain / 4


@pytest.mark.usefixtures("page")
async def test_caches_learn_that_answers_differ(edge: Edge, bearer: dict[str, str]) -> None:
    """Whoever keeps an answer keeps it by its encoding."""
    response = await edge.http.get("/feed", headers={**bearer, "accept-encoding": "gzip"})
    assert "accept-encoding" in response.headers["vary"].lower()
    assert len(response.json()["items"]) == 20


@pytest.mark.usefixtures("page")
async def test_other_encodings_get_plain_text(edge: Edge, bearer: dict[str, str]) -> None:
    """An app that asks for nothing, or for what there is not, reads JSON as it is."""
    for accepted in ("identity", "compress"):
        assert (await sizes(edge, "/feed", bearer, accepted))[0] == "identity"


@pytest.mark.usefixtures("page")
async def test_grpc_web_is_left_alone(edge: Edge, bearer: dict[str, str]) -> None:
    """Its frames are no text, and its libraries do not ask for compression."""
    outcome = await grpc_web_call(edge, FEED_PATH, GetFeedRequest(), {**bearer, "accept-encoding": "gzip, br"})
    assert outcome.code == 0
    assert len(outcome.answer) > 3000
