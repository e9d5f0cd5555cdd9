"""Addresses of private media: capabilities in the path, verified by a real Envoy in front of a real S3."""

import asyncio
import base64
import hashlib
import hmac
import json
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from secrets import token_bytes, token_hex
from typing import TYPE_CHECKING
from urllib.parse import urljoin

import httpx
import pytest
import pytest_asyncio
from google.rpc.code_pb2 import Code

from devmesh.parts.bucket import S3
from tests.edge_proxy.answers.test_errors import refusal
from tests.edge_proxy.backend import Backend
from tests.edge_proxy.conftest import Edge, media_from, running_edge, services_at
from tests.edge_proxy.envoy.test_rotation import replace
from tests.s3 import s3_client

if TYPE_CHECKING:
    from types_aiobotocore_s3 import S3Client

pytestmark = pytest.mark.slow

EXPIRED = (403, Code.PERMISSION_DENIED, "MEDIA_URL_EXPIRED")
PRIVATE = "private, max-age=3600"
PUBLIC = "public, max-age=31536000, immutable, s-maxage=300"
BYTES = token_bytes(200_000)


def encoded(data: bytes) -> str:
    """Return base64url without padding."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


@dataclass(frozen=True)
class Key:
    """A key that signs addresses. It shares no code with the edge, which is what it tests."""

    kid: str
    secret: bytes = field(default_factory=lambda: token_bytes(32))

    def jwk(self) -> dict[str, str]:
        """Return the key as the edge reads it."""
        return {"kty": "oct", "alg": "HS256", "kid": self.kid, "k": encoded(self.secret)}

    def prefix(self, medium: str, seconds: int = 3600, *, now: float | None = None) -> str:
        """Return the beginning of a medium's addresses, up to its id."""
        expiry = int(time.time() if now is None else now) + seconds
        parts = (f'{{"alg":"HS256","kid":"{self.kid}"', f'{{"iss":"media","sub":"{medium}","exp":{expiry}')
        signed = ".".join(encoded((part + " " * ((2 - len(part)) % 3) + "}").encode()) for part in parts)
        mac = encoded(hmac.digest(self.secret, signed.encode(), hashlib.sha256))
        return f"/p/{self.kid}{expiry}.{mac}/{medium}"


def keys_of(*keys: Key) -> str:
    """Return a key file."""
    return json.dumps({"keys": [each.jwk() for each in keys]})


@dataclass(frozen=True)
class Vault:
    """An edge with a key for private media."""

    edge: Edge
    key: Key
    file: Path

    async def get(self, path: str, **headers: str) -> httpx.Response:
        """GET a path."""
        return await self.edge.http.get(path, headers={name.replace("_", "-"): text for name, text in headers.items()})


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def vault(
    running_backend: Backend, s3: S3, jwks_file: Path, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Vault]:
    """Run an edge that verifies addresses, with its cache, and logs every call."""
    folder, key = tmp_path_factory.mktemp("vault"), Key("a")
    file = folder / "keys.json"
    replace(file, keys_of(key))
    settings = {
        **services_at(running_backend.address),
        **media_from(s3),
        "LENSFEED_MEDIA_URL_KEYS_FILE": str(file),
        "LENSFEED_EDGE_MEDIA_CACHE_MIB": "16",
        "LENSFEED_EDGE_ACCESS_LOG": "all",
    }
    async with running_edge(folder, jwks_file, settings) as edge:
        yield Vault(edge, key, file)


@pytest.fixture
async def store(s3: S3) -> AsyncIterator["S3Client"]:
    """Open S3 as media_svc does."""
    async with s3_client(s3) as client:
        yield client


async def put(client: "S3Client", s3: S3, control: str = PRIVATE, name: str = "w640.jpg", body: bytes = BYTES) -> str:
    """Store a file of a new medium. Returns the medium's id."""
    medium = token_hex(8)
    await client.put_object(
        Bucket=s3.bucket, Key=f"m/{medium}/{name}", Body=body, ContentType="image/jpeg", CacheControl=control
    )
    return medium


@pytest.mark.parametrize("control", [PRIVATE, PUBLIC])
async def test_who_has_the_address_reads_the_file(vault: Vault, s3: S3, store: "S3Client", control: str) -> None:
    """A capability opens its medium's files, whole and in parts; browsers may keep them for an hour, shared caches never."""
    path = vault.key.prefix(await put(store, s3, control)) + "/w640.jpg"
    whole = await vault.get(path)
    assert (whole.status_code, whole.content) == (200, BYTES)
    head = await vault.edge.http.head(path)
    assert (head.status_code, head.headers["content-length"]) == (200, str(len(BYTES)))
    part = await vault.get(path, range="bytes=10-19")
    assert (part.status_code, part.content) == (206, BYTES[10:20])
    again = await vault.get(path, range="bytes=10-19", if_range='"other"')
    assert (again.status_code, again.content) == (200, BYTES)
    same = await vault.get(path, if_none_match=whole.headers["etag"])
    assert (same.status_code, same.content) == (304, b"")
    for response in (whole, head, part, again, same):
        assert response.headers["cache-control"] == "private, max-age=3600, immutable"
        assert response.headers["cdn-cache-control"] == "no-store"
        assert response.headers["access-control-allow-origin"] == "*"
        assert "age" not in response.headers
    assert refusal(await vault.get(path, range="bytes=9999999-")) == (416, Code.OUT_OF_RANGE, "RANGE_INVALID")


async def test_a_playlist_hands_its_capability_on(vault: Vault, s3: S3, store: "S3Client") -> None:
    """What a playlist names beside and below it opens with the playlist's own address."""
    medium = await put(store, s3, name="hls/master.m3u8", body=b"#EXTM3U\n720/index.m3u8\n")
    for name, body in {"720/index.m3u8": b"#EXTM3U\nseg-1.m4s\n", "720/seg-1.m4s": BYTES}.items():
        await store.put_object(Bucket=s3.bucket, Key=f"m/{medium}/hls/{name}", Body=body, CacheControl=PRIVATE)
    path = vault.key.prefix(medium) + "/hls/master.m3u8"
    for _ in range(2):
        path = urljoin(path, (await vault.get(path)).text.splitlines()[1])
    assert (await vault.get(path)).content == BYTES


async def test_a_capability_opens_nothing_else(vault: Vault, s3: S3, store: "S3Client") -> None:
    """Another medium, expiry, key or signature is refused, for HEAD and conditional requests, too."""
    medium, other = await put(store, s3), await put(store, s3)
    good, now = vault.key.prefix(medium), int(time.time())
    mac = good.split(".")[1].split("/")[0]
    refused = {
        "expired": vault.key.prefix(medium, -5),
        "another medium": good.replace(medium, other),
        "a later expiry": good.replace(good[4:14], str(int(good[4:14]) + 60)),
        "another key": Key("a").prefix(medium),
        "an unknown key": Key("zz", vault.key.secret).prefix(medium),
        "no signature": f"/p/a{now + 60}.{'A' * len(mac)}/{medium}",
    }
    for name, path in refused.items():
        assert refusal(await vault.get(f"{path}/w640.jpg")) == EXPIRED, name
        for method, headers in (("HEAD", {}), ("GET", {"if-none-match": "*"}), ("GET", {"range": "bytes=0-9"})):
            response = await vault.edge.http.request(method, f"{path}/w640.jpg", headers=headers)
            assert response.status_code == 403, name
            assert response.headers["access-control-allow-origin"] == "*"
    assert (await vault.get(f"{good}/w640.jpg")).content == BYTES


async def test_nobody_brings_a_token_of_their_own(vault: Vault, s3: S3, store: "S3Client") -> None:
    """A capability counts in the path only, and only in the form in which it is given out."""
    medium, other = await put(store, s3), await put(store, s3)
    good = vault.key.prefix(medium)
    expiry, mac = good[4:14], good.split(".")[1].split("/")[0]
    parts = ('{"alg":"HS256","kid":"a"', f'{{"iss":"media","sub":"{medium}","exp":{expiry}')
    token = ".".join(encoded((part + " " * ((2 - len(part)) % 3) + "}").encode()) for part in parts) + f".{mac}"
    forged = f"/p/a{expiry}.{'A' * 43}/{medium}/w640.jpg"
    assert refusal(await vault.get(forged, x_lensfeed_capability=token, authorization=f"Bearer {token}")) == EXPIRED
    for path in (
        f"/p/{medium}/w640.jpg",
        f"{good}",
        f"{good}/w640.jpg?acl",
        f"{good}/../{other}/w640.jpg",
        f"{good}/..%2f..%2fo/{medium}",
        f"/P{good[2:]}/w640.jpg",
        f"{good[:3]}B{good[4:]}/w640.jpg",
    ):
        response = await vault.get(path)
        assert response.status_code in {400, 403, 404}, path
        assert BYTES[:100] not in response.content
    for method in ("PUT", "POST", "DELETE", "PATCH"):
        assert (await vault.edge.http.request(method, f"{good}/w640.jpg")).status_code == 404
    preflight = {"origin": "https://any.example", "access-control-request-method": "GET"}
    asked = await vault.edge.http.options(f"{good}/w640.jpg", headers=preflight)
    assert asked.headers["access-control-allow-methods"] == "GET,HEAD,OPTIONS"


async def test_a_missing_file_is_404(vault: Vault) -> None:
    """A good capability of a medium that is gone finds nothing, and the answer is not kept."""
    missing = await vault.get(vault.key.prefix(token_hex(8)) + "/w640.jpg")
    assert refusal(missing) == (404, Code.NOT_FOUND, "MEDIA_NOT_FOUND")
    assert missing.headers["cache-control"] == "no-store"


async def test_the_log_has_no_capability(vault: Vault, s3: S3, store: "S3Client") -> None:
    """The access log names the medium, but nobody who reads the log can open the file."""
    medium = await put(store, s3)
    for path in (vault.key.prefix(medium), vault.key.prefix(medium, -5)):
        await vault.get(f"{path}/w640.jpg")
    async with asyncio.timeout(15):
        while len([line for line in vault.edge.log_lines() if medium in line["path"]]) < 2:  # noqa: ASYNC110 - Envoy flushes
            await asyncio.sleep(0.1)
    assert {line["path"] for line in vault.edge.log_lines() if medium in line["path"]} == {f"/p/-/{medium}/w640.jpg"}


async def test_keys_rotate(vault: Vault, s3: S3, store: "S3Client") -> None:
    """A new key is taken without a restart, the old one works as long as it is in the file, and then no longer."""
    medium, new = await put(store, s3), Key("b")
    old_path, new_path = (f"{key.prefix(medium)}/w640.jpg" for key in (vault.key, new))

    async def until(path: str, status: int) -> None:
        async with asyncio.timeout(15):
            while (await vault.get(path)).status_code != status:  # noqa: ASYNC110 - another process reloads
                await asyncio.sleep(0.1)

    await until(old_path, 200)
    assert (await vault.get(new_path)).status_code == 403
    replace(vault.file, keys_of(vault.key, new))
    await until(new_path, 200)
    assert (await vault.get(old_path)).status_code == 200
    replace(vault.file, json.dumps({"keys": [{**vault.key.jwk(), "k": "short"}]}))
    async with asyncio.timeout(15):
        while "is not a JWKS of keys for HS256" not in vault.edge.log.read_text():  # noqa: ASYNC110 - another process reads
            await asyncio.sleep(0.1)
    assert (await vault.get(new_path)).status_code == 200
    replace(vault.file, keys_of(new))
    await until(old_path, 403)
    assert (await vault.get(new_path)).status_code == 200
    replace(vault.file, keys_of(vault.key))
    await until(old_path, 200)
