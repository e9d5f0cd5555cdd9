"""The OpenAPI document and its page, as the edge serves them."""

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
    """Read one of them, without a token."""
    return await edge.http.get(path, headers={name.replace("_", "-"): value for name, value in headers.items()})


async def test_the_document_is_open_to_everybody(edge: Edge) -> None:
    """It is OpenAPI 3.1, whole and valid, and comes without a token."""
    response = await read(edge, "/openapi.json")
    assert (response.status_code, response.headers["content-type"]) == (200, "application/json")
    validate(response.json())
    assert response.json()["openapi"].startswith("3.1.")


@pytest.mark.parametrize("path", ["/docs", "/docs/"])
async def test_the_page_loads_only_what_lies_here(edge: Edge, path: str) -> None:
    """Each link leads to a file of the edge of the right type, and the browser is told to load nothing else."""
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


async def test_the_page_shows_the_document(edge: Edge) -> None:
    """Its script asks for the document of the same edge, and nobody else about it."""
    script = (await read(edge, "/docs/start.js")).text
    assert 'url: "/openapi.json"' in script
    assert "validatorUrl: null" in script
    assert "SwaggerUIBundle" in (await read(edge, "/docs/swagger-ui-bundle.js")).text


@pytest.mark.parametrize("path", ["/openapi.json", "/docs/swagger-ui-bundle.js"])
async def test_they_are_small_on_the_way_and_fetched_once(edge: Edge, path: str) -> None:
    """Compressed for who asks, and 304 for who has it."""
    first = await read(edge, path, accept_encoding="gzip")
    assert first.headers["content-encoding"] == "gzip"
    assert "max-age" in first.headers["cache-control"]
    again = await read(edge, path, if_none_match=f'"other", {first.headers["etag"]}')
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", first.headers["etag"])
    assert (await read(edge, path, if_none_match='"other"')).status_code == 200


async def test_a_crowd_is_asked_to_wait(edge: Edge) -> None:
    """Of those who come at once many are answered, and the rest are told to come again; feeds do not notice."""
    answers = await asyncio.gather(*(read(edge, "/docs/favicon-32x32.png") for _ in range(200)))
    told = {answer.status_code: answer for answer in answers}
    assert told.keys() == {200, 429}
    assert told[429].json()["details"][0]["reason"] == "RATE_LIMITED"
    assert (await read(edge, "/feed")).status_code == 401


@pytest.mark.parametrize("method", ["POST", "GET"])
async def test_grpc_finds_nothing_there(edge: Edge, method: str) -> None:
    """To a gRPC library it is a method that is unknown, and no megabyte in a header."""
    headers = {"content-type": "application/grpc"}
    response = await edge.http.request(method, "/docs/swagger-ui-bundle.js", headers=headers, content=EMPTY_FRAME)
    assert (response.status_code, response.headers["grpc-status"], response.content) == (200, "12", b"")


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Set what the edge needs."""
    for name, value in PLAIN.items():
        monkeypatch.setenv(name, value)
    return monkeypatch


@pytest.mark.usefixtures("environment")
def test_they_cost_nothing() -> None:
    """What a limit counts stands at a route, and at theirs nothing does."""
    routes = document_routes(EdgeSettings.load())
    assert len(routes) == 14
    assert all("metadata" not in route for route in routes)


def test_they_can_be_off(environment: pytest.MonkeyPatch) -> None:
    """Then there is no route to them."""
    assert "/openapi.json" in str(bootstrap(EdgeSettings.load()))
    environment.setenv("LENSFEED_EDGE_DOCS", "false")
    without = str(bootstrap(EdgeSettings.load()))
    assert "/openapi.json" not in without
    assert "/docs" not in without
