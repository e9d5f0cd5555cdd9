"""Which access tokens the edge accepts."""

import asyncio
import base64
import json
import time
from collections.abc import Callable

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from google.rpc.code_pb2 import Code

from meshkit.token_expiry import EDGE_SKEW_SECONDS
from tests.edge_proxy.backend import Backend
from tests.edge_proxy.conftest import Edge, Signer
from tests.edge_proxy.protocols import ALL, ReadFeed


def _unsigned(_signer: Signer) -> str:
    claims = {"iss": "lensfeed", "aud": "lensfeed", "sub": "42", "exp": int(time.time()) + 600}
    return jwt.encode(claims, "", algorithm="none")


def _signed_with_public_key(signer: Signer) -> str:
    """Sign with the public key as a shared secret, which a careless verifier would accept."""
    claims = {"iss": "lensfeed", "aud": "lensfeed", "sub": "42", "exp": int(time.time()) + 600}
    secret = base64.urlsafe_b64decode(json.loads(signer.jwks())["keys"][0]["x"] + "=")
    return jwt.encode(claims, secret, algorithm="HS256", headers={"kid": "test"})


def _foreign(_signer: Signer) -> str:
    other = Signer()
    other.key = Ed25519PrivateKey.generate()
    return other.token()


BAD_TOKENS: dict[str, Callable[[Signer], str]] = {
    "no token": lambda _: "nonsense",
    "expired": lambda signer: signer.token(exp=int(time.time()) - 3600),
    # Envoy's default would accept it for a minute, longer than revocations used to live.
    "just expired": lambda signer: signer.token(exp=int(time.time()) - EDGE_SKEW_SECONDS - 2),
    "without expiry": lambda signer: signer.token(exp=None),
    "other audience": lambda signer: signer.token(aud="other"),
    "without audience": lambda signer: signer.token(aud=None),
    "other issuer": lambda signer: signer.token(iss="other"),
    "foreign key": _foreign,
    "unsigned": _unsigned,
    "signed with the public key": _signed_with_public_key,
}


@pytest.mark.parametrize("kind", BAD_TOKENS)
@pytest.mark.parametrize("read_feed", ALL)
@pytest.mark.filterwarnings("ignore::jwt.warnings.InsecureKeyLengthWarning")
async def test_bad_tokens_are_refused(
    edge: Edge, backend: Backend, signer: Signer, kind: str, read_feed: ReadFeed
) -> None:
    """Foreign, forged, expired and misdirected tokens get TOKEN_INVALID."""
    outcome = await read_feed(edge, {"authorization": f"Bearer {BAD_TOKENS[kind](signer)}"})
    assert (outcome.code, outcome.reason, outcome.domain) == (Code.UNAUTHENTICATED, "TOKEN_INVALID", "lensfeed")
    assert backend.seen == []


@pytest.mark.usefixtures("backend")
async def test_a_verified_token_is_refused_once_it_expires(edge: Edge, signer: Signer) -> None:
    """The edge verifies a signature once, and still refuses the token when it expires."""
    headers = {"authorization": f"Bearer {signer.token(exp=int(time.time()) + 2)}"}
    verified = await remembered_tokens(edge)
    while (response := await edge.http.get("/feed", headers=headers)).is_success:  # noqa: ASYNC110 - time passes
        await asyncio.sleep(0.1)
    assert response.json()["details"][0]["reason"] == "TOKEN_INVALID"
    assert await remembered_tokens(edge) > verified


async def remembered_tokens(edge: Edge) -> int:
    """Return how often Envoy found a token that it had verified before."""
    async with httpx.AsyncClient(base_url=f"http://{edge.admin}") as admin:
        text = (await admin.get("/stats", params={"filter": r"jwt_authn\.jwt_cache_hit$"})).text
    return sum(int(line.rpartition(":")[2]) for line in text.splitlines())


@pytest.mark.parametrize("headers", [{}, {"authorization": "Basic YTpi"}])
@pytest.mark.parametrize("read_feed", ALL)
async def test_a_missing_token_is_refused(
    edge: Edge, backend: Backend, headers: dict[str, str], read_feed: ReadFeed
) -> None:
    """A call without a bearer token gets TOKEN_MISSING."""
    outcome = await read_feed(edge, headers)
    assert (outcome.code, outcome.reason, outcome.domain) == (Code.UNAUTHENTICATED, "TOKEN_MISSING", "lensfeed")
    assert backend.seen == []


async def test_a_token_in_the_query_is_ignored(edge: Edge, backend: Backend, signer: Signer) -> None:
    """A token in the URL, which would end up in logs, does not work."""
    response = await edge.http.get("/feed", params={"access_token": signer.token()})
    assert response.status_code in {400, 401}
    assert backend.seen == []


async def test_a_missing_token_is_http_401(edge: Edge) -> None:
    """In REST a missing token is a 401 with WWW-Authenticate, without internals."""
    response = await edge.http.get("/feed")
    assert response.status_code == 401
    assert response.headers["www-authenticate"] == "Bearer"
    assert response.headers["content-type"] == "application/json"


async def test_open_methods_ignore_tokens(edge: Edge, backend: Backend) -> None:
    """An invalid token does not matter for methods that need none."""
    response = await edge.http.post("/users", json={"handle": "ann"}, headers={"authorization": "Bearer old"})
    assert response.status_code == 200
