"""What different HTTP clients may do: HEAD, HTTP/1.0, unknown methods, schemes in any case, errors across origins."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from pathlib import Path

import httpx
import pytest
import pytest_asyncio
from google.rpc.code_pb2 import Code

from tests.edge_proxy.answers.test_errors import refusal
from tests.edge_proxy.backend import Backend
from tests.edge_proxy.conftest import ORIGIN, Edge, running_edge, services_at
from tests.edge_proxy.protocols import ALL, ReadFeed
from tests.rpcs import PUBLIC, Rpc

pytestmark = pytest.mark.slow

READS = [rpc for rpc in PUBLIC if rpc.verb == "GET"]


async def raw(edge: Edge, request: str) -> str:
    """Send raw bytes and return the whole response, until the edge closes the connection."""
    reader, writer = await asyncio.open_connection(*edge.address.split(":"))
    writer.write(request.replace("\n", "\r\n").encode())
    async with asyncio.timeout(30):
        response = await reader.read()
    writer.close()
    return response.decode()


@pytest.mark.parametrize("rpc", READS, ids=str)
async def test_head_works_where_get_does(edge: Edge, backend: Backend, bearer: dict[str, str], rpc: Rpc) -> None:
    """HEAD has the status and headers of GET for every method, without a body, and needs a token just as well."""
    got = await edge.http.get(rpc.rest_path, headers=bearer)
    head = await edge.http.head(rpc.rest_path, headers=bearer)
    assert (head.status_code, head.content) == (got.status_code, b"")
    for name in ("content-type", "content-length", "cache-control"):
        assert head.headers.get(name) == got.headers.get(name), name
    assert [seen.method for seen in backend.seen] == [rpc.name] * 2
    if not rpc.is_open:
        assert (await edge.http.head(rpc.rest_path)).status_code == 401


async def test_head_over_http2(edge: Edge, backend: Backend, bearer: dict[str, str]) -> None:
    """A HEAD over HTTP/2, compressed or not, ends without a body."""
    for _ in range(20):
        backend.feed.items.add().post.caption = "the same caption again and again " * 10
    for encoding in ("identity", "gzip"):
        headers = {**bearer, "accept-encoding": encoding}
        words = [word for name, value in headers.items() for word in ("-H", f"{name}: {value}")]
        process = await asyncio.create_subprocess_exec(
            *("curl", "-sS", "--http2-prior-knowledge", "-I", *words, f"http://{edge.address}/feed"),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        output, _ = await process.communicate()
        assert (process.returncode, output.splitlines()[0].strip()) == (0, b"HTTP/2 200"), output
    assert (await edge.http.head("/feed?limit=x", headers=bearer)).status_code == 400
    assert (await edge.http.head("/nothing", headers=bearer)).status_code == 404


@pytest.mark.parametrize("scheme", ["bearer", "BEARER", "BeArEr", "Bearer"])
@pytest.mark.parametrize("read_feed", ALL)
@pytest.mark.usefixtures("backend")
async def test_the_scheme_of_a_token_has_any_case(
    edge: Edge, bearer: dict[str, str], scheme: str, read_feed: ReadFeed
) -> None:
    """`Authorization: bearer …` works in any case, as RFC 9110 says."""
    _, token = bearer["authorization"].split()
    assert (await read_feed(edge, {"authorization": f"{scheme} {token}"})).code == Code.OK


async def test_http_1_0_works(edge: Edge, backend: Backend, bearer: dict[str, str]) -> None:
    """Requests by HTTP/1.0, with and without a body or a Host, get an answer and the end of the connection."""
    token = f"authorization: {bearer['authorization']}\n"
    assert '"items":[]' in await raw(edge, f"GET /feed HTTP/1.0\n{token}\n")
    body = '{"caption":"a"}'
    response = await raw(edge, f"POST /posts HTTP/1.0\nhost: edge\ncontent-length: {len(body)}\n{token}\n{body}")
    assert response.startswith("HTTP/1.0 200 OK")
    assert backend.last.request.caption == "a"
    assert "TOKEN_MISSING" in await raw(edge, "GET /feed HTTP/1.0\n\n")


async def test_user_data_are_private(edge: Edge, backend: Backend, bearer: dict[str, str]) -> None:
    """Responses of every method keep shared caches from storing them, unless the service says otherwise."""
    for rpc in PUBLIC:
        response = await edge.http.request(
            rpc.verb, rpc.rest_path, headers=bearer, content=b"" if rpc.verb in {"GET", "DELETE"} else b"{}"
        )
        wanted = "public, max-age=60" if rpc.name == "PickRendition" else "private, no-cache"
        assert response.headers["cache-control"] == wanted, rpc
    assert len(backend.seen) == len(PUBLIC)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def strict_edge(
    running_backend: Backend, jwks_file: Path, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Edge]:
    """Run an edge with two origins and a low limit for users."""
    settings = services_at(running_backend.address) | {
        "LENSFEED_CORS_ORIGINS": f"https://first.example,{ORIGIN}",
        "LENSFEED_EDGE_LIMIT_USER": "60/h burst 1",
    }
    async with running_edge(tmp_path_factory.mktemp("strict"), jwks_file, settings) as edge:
        yield edge


async def _rate_limited(edge: Edge, headers: dict[str, str]) -> httpx.Response:
    await edge.http.get("/feed", headers=headers)
    return await edge.http.get("/feed", headers=headers)


async def _documents_limited(edge: Edge, headers: dict[str, str]) -> httpx.Response:
    responses = await asyncio.gather(*(edge.http.get("/docs/favicon-32x32.png", headers=headers) for _ in range(200)))
    return next(response for response in responses if response.status_code == 429)


ERRORS: dict[str, Callable[[Edge, dict[str, str]], Coroutine[None, None, httpx.Response]]] = {
    "400 query": lambda edge, headers: edge.http.get("/feed?x=1", headers=headers),
    "400 path": lambda edge, headers: edge.http.get("/users%2f1", headers=headers),
    "400 header": lambda edge, headers: edge.http.get("/feed", headers=headers | {"grpc-timeout": "x"}),
    "401": lambda edge, headers: edge.http.get("/feed", headers=headers | {"authorization": "Bearer x"}),
    "404": lambda edge, headers: edge.http.get("/nothing", headers=headers),
    "404 method": lambda edge, headers: edge.http.request("NONSENSE", "/feed", headers=headers),
    "413": lambda edge, headers: edge.http.post("/posts", headers=headers, content=bytes(2 * 1024 * 1024)),
    "429": _rate_limited,
    "429 documents": _documents_limited,
}


@pytest.mark.parametrize("error", ERRORS)
@pytest.mark.usefixtures("backend")
async def test_pages_of_the_app_can_read_every_error(strict_edge: Edge, bearer: dict[str, str], error: str) -> None:
    """Every error has CORS headers for configured origins, and none for others."""
    response = await ERRORS[error](strict_edge, bearer | {"origin": ORIGIN})
    assert refusal(response)[0] == int(error.partition(" ")[0])
    assert response.headers.get_list("access-control-allow-origin") == [ORIGIN]
    assert "x-request-id" in response.headers["access-control-expose-headers"]
    other = await ERRORS[error](strict_edge, bearer | {"origin": "https://other.example"})
    assert "access-control-allow-origin" not in other.headers


async def test_documents_allow_all_origins(edge: Edge) -> None:
    """Tools on other origins may read the public contract."""
    response = await edge.http.get("/openapi.json", headers={"origin": "https://other.example"})
    assert (response.status_code, response.headers["access-control-allow-origin"]) == (200, "*")
