"""mTLS between a server and a channel of the mesh."""

import asyncio
import contextlib
import datetime as dt
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from cryptography import x509
from lensfeed.user.v1.user_internal_service_pb2 import BatchGetUsersRequest, BatchGetUsersResponse
from lensfeed.user.v1.user_internal_service_pb2_grpc import UserInternalServiceStub

from devmesh.secrets.certificates import AUTHORITY, issue, load_authority, make_certificates
from meshkit.grpc import renewed_channel
from meshkit.grpc.channels import connect
from meshkit.grpc.server import Process, ServerSettings, running
from meshkit.identity.mtls import peer_name
from meshkit.identity.parts import MeshIdentity, dns_name, name_of
from meshkit.settings import SettingsError
from tests.errors import reason_of
from tests.meshkit.grpc.servicers import INTERNAL, internal_service

REQUEST = BatchGetUsersRequest()


async def batch_get(_request: Any, _context: Any) -> BatchGetUsersResponse:
    """Answer."""
    return BatchGetUsersResponse()


@pytest.fixture
def tls(tmp_path: Path) -> Path:
    """Give the certificates of a mesh."""
    make_certificates(tmp_path)
    return tmp_path


@contextlib.asynccontextmanager
async def users(tls: Path) -> AsyncIterator[str]:
    """Run user_svc's server; its address."""
    process = Process("user_svc", [internal_service(batch_get)])
    async with running(process, ServerSettings(mesh_tls=tls, drain_seconds=5.0)) as address:
        yield address


async def serial_of(address: str, tls: Path) -> int:
    """Return the serial number of the certificate that a server shows."""
    host, _, port = address.partition(":")
    command = ("openssl", "s_client", "-connect", f"{host}:{port}", "-CAfile", tls / "ops" / "ca.crt", "-showcerts")
    process = await asyncio.create_subprocess_exec(
        *command,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    output, _ = await process.communicate()
    pem = output[output.index(b"-----BEGIN") : output.index(b"-----END CERTIFICATE-----") + 26]
    return x509.load_pem_x509_certificate(pem).serial_number


async def test_a_service_calls_another_by_its_certificate(tls: Path) -> None:
    """A channel with an identity reaches the method."""
    feed = MeshIdentity.find(tls, "feed")
    async with users(tls) as address, connect(address, INTERNAL, identity=feed) as channel:
        assert await UserInternalServiceStub(channel).BatchGetUsers(REQUEST) == BatchGetUsersResponse()


async def test_the_edge_is_no_service(tls: Path) -> None:
    """The edge may not call internal methods."""
    edge = MeshIdentity.find(tls, "edge")
    async with users(tls) as address, connect(address, INTERNAL, identity=edge) as channel:
        with pytest.raises(grpc.aio.AioRpcError) as failure:
            await UserInternalServiceStub(channel).BatchGetUsers(REQUEST)
    assert failure.value.code() is grpc.StatusCode.PERMISSION_DENIED
    assert reason_of(failure.value) == "PEER_REFUSED"


async def test_an_expired_certificate_is_refused(tls: Path) -> None:
    """Time is checked, too."""
    late = MeshIdentity("feed", tls / "late")
    issue(late, load_authority(tls / AUTHORITY), dt.timedelta(seconds=-60))
    async with users(tls) as address, connect(address, INTERNAL, identity=late) as channel:
        with pytest.raises(grpc.aio.AioRpcError) as failure:
            await UserInternalServiceStub(channel).BatchGetUsers(REQUEST)
    assert failure.value.code() is grpc.StatusCode.UNAVAILABLE


async def test_a_server_uses_a_renewed_certificate(tls: Path) -> None:
    """It is used from the next connection on; while the files do not match, the old one is kept."""
    async with users(tls) as address:
        first = await serial_of(address, tls)
        (tls / "user" / "tls.key").rename(tls / "aside")
        assert await serial_of(address, tls) == first
        make_certificates(tls)
        assert await serial_of(address, tls) != first


async def test_a_channel_uses_a_renewed_certificate(tls: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """After the first certificate expired, the same stub continues with the second."""
    monkeypatch.setattr(renewed_channel, "LOOK_SECONDS", 0.0)
    feed = MeshIdentity.find(tls, "feed")
    async with users(tls) as address:
        issue(feed, load_authority(tls / AUTHORITY), dt.timedelta(seconds=-60))
        async with connect(address, INTERNAL, identity=feed) as channel:
            stub = UserInternalServiceStub(channel)
            with pytest.raises(grpc.aio.AioRpcError):
                await stub.BatchGetUsers(REQUEST)
            feed.certificate.write_text("nonsense")
            with pytest.raises(grpc.aio.AioRpcError):
                await stub.BatchGetUsers(REQUEST)
            assert make_certificates(tls) == ["feed"]
            assert await stub.BatchGetUsers(REQUEST) == BatchGetUsersResponse()


@pytest.mark.parametrize("missing", ["tls.crt", "tls.key", "ca.crt"])
async def test_a_missing_certificate_is_reported(tls: Path, missing: str) -> None:
    """A process without its certificate does not start, and says where it looked."""
    (tls / "user" / missing).unlink()
    with pytest.raises(SettingsError, match=r"LENSFEED_MESH_TLS: .*/user contains no certificate"):
        async with users(tls):
            pass


def test_foreign_names_are_ignored() -> None:
    """Another trust domain, an unknown part, a certificate without a name or with two identify nobody."""
    foreign = (
        "spiffe://other/edge",
        "spiffe://lensfeed/",
        "spiffe://lensfeed/edge/x",
        "edge",
        "",
        "spiffe://lensfeed/x",
    )
    assert {name_of(each) for each in foreign} == {""}
    assert name_of("spiffe://lensfeed/edge") == "edge"
    assert dns_name("feed") == "feed.lensfeed"
    assert peer_name({"peer_spiffe_id": [b"spiffe://lensfeed/edge"]}) == "edge"
    assert peer_name({"peer_spiffe_id": [b"spiffe://lensfeed/edge", b"spiffe://lensfeed/feed"]}) == ""
    assert peer_name({}) == ""
