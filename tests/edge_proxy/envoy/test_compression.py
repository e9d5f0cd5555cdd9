"""Response compression."""

import pytest
from lensfeed.feed.v1.feed_service_pb2 import GetFeedRequest

from tests.edge_proxy.backend import Backend
from tests.edge_proxy.conftest import Edge
from tests.edge_proxy.protocols import FEED_PATH
from tests.protocols import grpc_web_call


@pytest.fixture
def page(backend: Backend) -> Backend:
    """Fill the feed with a page of text."""
    for _ in range(20):
        backend.feed.items.add().post.caption = "a caption that says the same again and again " * 4
    return backend


async def sizes(edge: Edge, path: str, headers: dict[str, str], accepted: str) -> tuple[str, int]:
    """Return the content encoding of a response and its size on the wire."""
    async with edge.http.stream("GET", path, headers={**headers, "accept-encoding": accepted}) as response:
        assert response.status_code in {200, 404}
        raw = b"".join([part async for part in response.aiter_raw()])
    return response.headers.get("content-encoding", "identity"), len(raw)


@pytest.mark.usefixtures("page")
@pytest.mark.parametrize("encoding", ["gzip", "br", "zstd"])
async def test_json_is_compressed_on_request(edge: Edge, bearer: dict[str, str], encoding: str) -> None:
    """A page is compressed with the requested encoding to less than a quarter."""
    _, plain = await sizes(edge, "/feed", bearer, "identity")
    got, compressed = await sizes(edge, "/feed", bearer, encoding)
    assert got == encoding
    assert compressed < plain / 4


@pytest.mark.usefixtures("page")
async def test_responses_vary_by_encoding(edge: Edge, bearer: dict[str, str]) -> None:
    """Responses have `Vary: Accept-Encoding`."""
    response = await edge.http.get("/feed", headers={**bearer, "accept-encoding": "gzip"})
    assert "accept-encoding" in response.headers["vary"].lower()
    assert len(response.json()["items"]) == 20


@pytest.mark.usefixtures("page")
async def test_unknown_encodings_get_plain_json(edge: Edge, bearer: dict[str, str]) -> None:
    """Clients without a supported encoding get uncompressed JSON."""
    for accepted in ("identity", "compress"):
        assert (await sizes(edge, "/feed", bearer, accepted))[0] == "identity"


@pytest.mark.usefixtures("page")
async def test_grpc_web_is_not_compressed(edge: Edge, bearer: dict[str, str]) -> None:
    """gRPC-Web responses are never compressed by the edge."""
    outcome = await grpc_web_call(edge, FEED_PATH, GetFeedRequest(), {**bearer, "accept-encoding": "gzip, br"})
    assert outcome.code == 0
    assert len(outcome.answer) > 3000
