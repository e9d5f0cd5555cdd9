"""The OpenAPI document and its viewer, as the edge serves them."""

import asyncio
import re
from pathlib import PurePosixPath

import httpx
import pytest
from openapi_spec_validator import validate

from edge_proxy.answers.documents import document_routes
from edge_proxy.envoy.bootstrap import bootstrap
from edge_proxy.settings.edge import EdgeSettings
from tests.edge_proxy.conftest import Edge
from tests.edge_proxy.envoy.golden_config import PLAIN

EMPTY_FRAME = bytes(5)
LINK = re.compile(r'(?:src|href)="([^"]+)"')
TYPES = {".js": "text/javascript", ".css": "text/css", ".png": "image/png", ".json": "application/json"}


async def read(edge: Edge, path: str, **headers: str) -> httpx.Response:
    """Get a path without a token."""
    return await edge.http.get(path, headers={name.replace("_", "-"): value for name, value in headers.items()})


async def test_the_document_needs_no_token(edge: Edge) -> None:
    """The document is valid OpenAPI 3.1 and is served without a token."""
    response = await read(edge, "/openapi.json")
    assert (response.status_code, response.headers["content-type"]) == (200, "application/json")
    validate(response.json())
    assert response.json()["openapi"].startswith("3.1.")


@pytest.mark.parametrize("path", ["/docs", "/docs/"])
async def test_the_viewer_loads_only_local_files(edge: Edge, path: str) -> None:
    """Each link is a file of the edge, and the security policy allows nothing else."""
    page = await read(edge, path)
    assert (page.status_code, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert "default-src 'none'; script-src 'self';" in page.headers["content-security-policy"]
    links = LINK.findall(page.text)
    assert len(links) == 5
    for link in links:
        assert link.startswith("/")
        file = await read(edge, link)
        assert file.status_code == 200, link
        assert file.headers["content-type"].startswith(TYPES[PurePosixPath(link).suffix])
        assert file.headers["x-content-type-options"] == "nosniff"


async def test_the_viewer_shows_the_document(edge: Edge) -> None:
    """The viewer loads the document of the same edge and uses no external validator."""
    script = (await read(edge, "/docs/start.js")).text
    assert 'url: "/openapi.json"' in script
    assert "validatorUrl: null" in script
    assert "SwaggerUIBundle" in (await read(edge, "/docs/swagger-ui-bundle.js")).text


@pytest.mark.parametrize("path", ["/openapi.json", "/docs/swagger-ui-bundle.js"])
async def test_documents_are_compressed_and_cacheable(edge: Edge, path: str) -> None:
    """Documents are compressed on request, and a matching If-None-Match gets a 304."""
    first = await read(edge, path, accept_encoding="gzip")
    assert first.headers["content-encoding"] == "gzip"
    assert "max-age" in first.headers["cache-control"]
    again = await read(edge, path, if_none_match=f'"other", {first.headers["etag"]}')
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", first.headers["etag"])
    assert (await read(edge, path, if_none_match='"other"')).status_code == 200


async def test_documents_have_their_own_rate_limit(edge: Edge) -> None:
    """Too many readers at once get a 429, and other paths are not affected."""
    answers = await asyncio.gather(*(read(edge, "/docs/favicon-32x32.png") for _ in range(200)))
    by_status = {answer.status_code: answer for answer in answers}
    assert by_status.keys() == {200, 429}
    assert by_status[429].json()["details"][0]["reason"] == "RATE_LIMITED"
    assert (await read(edge, "/feed")).status_code == 401


@pytest.mark.parametrize("method", ["POST", "GET"])
async def test_documents_are_unknown_to_grpc(edge: Edge, method: str) -> None:
    """A gRPC call to a document's path gets UNIMPLEMENTED, not the document in a header."""
    headers = {"content-type": "application/grpc"}
    response = await edge.http.request(method, "/docs/swagger-ui-bundle.js", headers=headers, content=EMPTY_FRAME)
    assert (response.status_code, response.headers["grpc-status"], response.content) == (200, "12", b"")


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Set the required settings."""
    for name, value in PLAIN.items():
        monkeypatch.setenv(name, value)
    return monkeypatch


@pytest.mark.usefixtures("environment")
def test_documents_cost_no_points() -> None:
    """Routes of documents have no cost metadata."""
    routes = document_routes(EdgeSettings.load())
    assert len(routes) == 14
    assert all("metadata" not in route for route in routes)


def test_documents_can_be_turned_off(environment: pytest.MonkeyPatch) -> None:
    """With LENSFEED_EDGE_DOCS=false there are no such routes."""
    assert "/openapi.json" in str(bootstrap(EdgeSettings.load()))
    environment.setenv("LENSFEED_EDGE_DOCS", "false")
    without = str(bootstrap(EdgeSettings.load()))
    assert "/openapi.json" not in without
    assert "'path': '/docs" not in without
