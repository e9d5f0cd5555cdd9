"""TLS for apps, checked with curl and openssl."""

import asyncio
import shutil
import ssl
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import pytest_asyncio
from lensfeed.feed.v1.feed_service_pb2 import GetFeedRequest

from edge_proxy.settings.edge import EdgeSettings
from meshkit.settings import SettingsError
from tests.edge_proxy.backend import Backend
from tests.edge_proxy.conftest import Edge, running_edge, services_at, until_serving
from tests.edge_proxy.protocols import FEED_PATH
from tests.meshkit.identity.certificates import Authority
from tests.protocols import grpc_call


@dataclass
class Secured:
    """An edge with TLS, its authority, and the files of its certificate and key."""

    edge: Edge
    authority: Authority
    certificate: Path
    key: Path


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def secured(
    running_backend: Backend, jwks_file: Path, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Secured]:
    """Run an edge with a certificate of a test authority."""
    folder = tmp_path_factory.mktemp("tls")
    authority = Authority(folder, "root")
    certificate, key = authority.issue("edge", "127.0.0.1")
    settings = {
        **services_at(running_backend.address),
        "LENSFEED_EDGE_TLS_CERT_FILE": str(certificate),
        "LENSFEED_EDGE_TLS_KEY_FILE": str(key),
    }
    async with running_edge(tmp_path_factory.mktemp("edge"), jwks_file, settings, authority.ca_file) as edge:
        await until_serving(edge)
        yield Secured(edge, authority, certificate, key)


async def run(*command: str) -> tuple[int, str]:
    """Run a program. Returns its exit code and output."""
    process = await asyncio.create_subprocess_exec(
        *command,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await process.communicate()
    return process.returncode or 0, output.decode(errors="replace")


async def curl(secured: Secured, *arguments: str, path: str = "/healthz") -> tuple[int, str]:
    """Call the edge with curl, trusting the test authority."""
    url = f"https://{secured.edge.address}{path}"
    return await run("curl", "-sS", "--cacert", str(secured.authority.ca_file), *arguments, url)


async def serial(secured: Secured) -> int:
    """Return the serial number of the certificate on a new connection."""
    context = ssl.create_default_context(cafile=secured.authority.ca_file)
    _, writer = await asyncio.open_connection(*secured.edge.address.split(":"), ssl=context)
    number = int(writer.get_extra_info("peercert")["serialNumber"], 16)
    writer.close()
    return number


@pytest.mark.parametrize(("version", "works"), [("1.0", False), ("1.1", False), ("1.2", True), ("1.3", True)])
async def test_old_versions_of_tls_are_refused(secured: Secured, version: str, works: bool) -> None:
    """TLS 1.2 and 1.3 work, and older versions are refused."""
    floor = () if version in {"1.2", "1.3"} else ("--ciphers", "DEFAULT@SECLEVEL=0")
    code, output = await curl(secured, f"--tlsv{version}", "--tls-max", version, *floor)
    assert (code == 0) == works, output
    assert ("SERVING" in output) == works


@pytest.mark.parametrize(("option", "version"), [("--http1.1", "1.1"), ("--http2", "2")])
async def test_both_http_versions_work(secured: Secured, option: str, version: str) -> None:
    """ALPN selects HTTP/1.1 or HTTP/2."""
    code, output = await curl(secured, option, "-w", " by %{http_version}")
    assert (code, output) == (0, '{"status": "SERVING"} by ' + version)


async def test_plain_http_is_refused(secured: Secured) -> None:
    """A plain HTTP request gets no response."""
    code, output = await run("curl", "-sS", f"http://{secured.edge.address}/healthz")
    assert code != 0
    assert "SERVING" not in output


async def test_clients_can_verify_the_certificate(secured: Secured, tmp_path: Path) -> None:
    """A client with another authority refuses the certificate, and one with ours accepts it."""
    other = Authority(tmp_path, "other")
    code, output = await run("curl", "-sS", "--cacert", str(other.ca_file), f"https://{secured.edge.address}/healthz")
    assert code == 60, output  # curl's exit code for an unverified certificate
    _, shown = await run(
        "openssl", "s_client", "-connect", secured.edge.address, "-CAfile", str(secured.authority.ca_file), "-brief"
    )
    assert "Verification: OK" in shown
    assert "CN = edge" in shown


async def test_every_response_has_hsts(secured: Secured, bearer: dict[str, str]) -> None:
    """All responses have Strict-Transport-Security, errors too."""
    for path, headers in (("/feed", bearer), ("/feed", {}), ("/nothing", {}), ("/healthz", {})):
        response = await secured.edge.http.get(path, headers=headers)
        assert response.headers["strict-transport-security"] == "max-age=31536000"


async def test_grpc_works_over_tls(secured: Secured, bearer: dict[str, str]) -> None:
    """A gRPC client that trusts the authority reads the feed."""
    assert (await grpc_call(secured.edge, FEED_PATH, GetFeedRequest(), bearer)).code == 0


async def test_a_renewed_certificate_is_reloaded(secured: Secured, tmp_path: Path) -> None:
    """After files are moved into place, key first, new connections get the new certificate."""
    old = await serial(secured)
    renewed, key = Authority.issue(secured.authority, "edge-renewed", "127.0.0.1")
    shutil.move(key, secured.key)
    shutil.move(renewed, secured.certificate)
    async with asyncio.timeout(30):
        while await serial(secured) == old:  # noqa: ASYNC110 - another process reads the file
            await asyncio.sleep(0.05)
    assert secured.edge.process.returncode is None
    assert (await curl(secured))[0] == 0


async def test_a_damaged_certificate_changes_nothing(secured: Secured, tmp_path: Path) -> None:
    """The edge keeps its certificate if the new file is invalid."""
    before = await serial(secured)
    damaged = tmp_path / "damaged"
    damaged.write_text("nonsense")
    shutil.copy(secured.certificate, tmp_path / "good")
    shutil.move(damaged, secured.certificate)
    async with asyncio.timeout(30):
        while "Failed to reload certificates" not in secured.edge.log.read_text():  # noqa: ASYNC110 - another process logs
            await asyncio.sleep(0.05)
    assert await serial(secured) == before
    shutil.move(tmp_path / "good", secured.certificate)


def test_certificate_and_key_must_match(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, jwks_file: Path) -> None:
    """A certificate without its key or with another key is a settings error."""
    authority = Authority(tmp_path, "root")
    (certificate, key), (_, other) = authority.issue("one", "127.0.0.1"), authority.issue("two", "127.0.0.1")
    for name, value in services_at("127.0.0.1:50051").items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("LENSFEED_EDGE_DIR", str(tmp_path))
    monkeypatch.setenv("LENSFEED_TOKEN_JWKS_FILE", str(jwks_file))
    monkeypatch.setenv("LENSFEED_EDGE_TLS_CERT_FILE", str(certificate))
    with pytest.raises(SettingsError, match="set together"):
        EdgeSettings.load()
    monkeypatch.setenv("LENSFEED_EDGE_TLS_KEY_FILE", str(other))
    with pytest.raises(SettingsError, match="not a certificate and its key"):
        EdgeSettings.load()
    monkeypatch.setenv("LENSFEED_EDGE_TLS_KEY_FILE", str(key))
    assert EdgeSettings.load().edge_uses_tls
