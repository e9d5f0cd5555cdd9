"""TLS towards apps, as curl and openssl see it."""

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
from tests.edge_proxy.conftest import Edge, leading_to, running_edge, until_serving
from tests.edge_proxy.protocols import FEED_PATH
from tests.meshkit.identity.certificates import Authority
from tests.protocols import grpc_call


@dataclass
class Secured:
    """An edge with TLS, the authority behind its certificate, and where the certificate and its key lie."""

    edge: Edge
    authority: Authority
    certificate: Path
    key: Path


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def secured(
    running_backend: Backend, jwks_file: Path, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Secured]:
    """Give an edge with a certificate that the tests' own authority has signed."""
    folder = tmp_path_factory.mktemp("tls")
    authority = Authority(folder, "root")
    certificate, key = authority.issue("edge", "127.0.0.1")
    settings = {
        **leading_to(running_backend.address),
        "LENSFEED_EDGE_TLS_CERT_FILE": str(certificate),
        "LENSFEED_EDGE_TLS_KEY_FILE": str(key),
    }
    async with running_edge(tmp_path_factory.mktemp("edge"), jwks_file, settings, authority.ca_file) as edge:
        await until_serving(edge)
        yield Secured(edge, authority, certificate, key)


async def run(*command: str) -> tuple[int, str]:
    """Run a program; its exit code, and all that it printed."""
    process = await asyncio.create_subprocess_exec(
        *command,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await process.communicate()
    return process.returncode or 0, output.decode(errors="replace")


async def curl(secured: Secured, *arguments: str, path: str = "/healthz") -> tuple[int, str]:
    """Call the edge with curl, which trusts the authority."""
    url = f"https://{secured.edge.address}{path}"
    return await run("curl", "-sS", "--cacert", str(secured.authority.ca_file), *arguments, url)


async def serial(secured: Secured) -> int:
    """Return the serial number of the certificate that a new connection is shown."""
    context = ssl.create_default_context(cafile=secured.authority.ca_file)
    _, writer = await asyncio.open_connection(*secured.edge.address.split(":"), ssl=context)
    number = int(writer.get_extra_info("peercert")["serialNumber"], 16)
    writer.close()
    return number


@pytest.mark.parametrize(("version", "works"), [("1.0", False), ("1.1", False), ("1.2", True), ("1.3", True)])
async def test_old_versions_of_tls_are_refused(secured: Secured, version: str, works: bool) -> None:
    """TLS begins at 1.2."""
    floor = () if version in {"1.2", "1.3"} else ("--ciphers", "DEFAULT@SECLEVEL=0")
    code, output = await curl(secured, f"--tlsv{version}", "--tls-max", version, *floor)
    assert (code == 0) == works, output
    assert ("SERVING" in output) == works


@pytest.mark.parametrize(("option", "version"), [("--http1.1", "1.1"), ("--http2", "2")])
async def test_both_versions_of_http_are_spoken(secured: Secured, option: str, version: str) -> None:
    """Client and edge agree on one in the handshake."""
    code, output = await curl(secured, option, "-w", " by %{http_version}")
    assert (code, output) == (0, '{"status": "SERVING"} by ' + version)


async def test_plain_http_is_not_spoken(secured: Secured) -> None:
    """Nothing is answered without TLS."""
    code, output = await run("curl", "-sS", f"http://{secured.edge.address}/healthz")
    assert code != 0
    assert "SERVING" not in output


async def test_a_certificate_of_somebody_else_is_refused(secured: Secured, tmp_path: Path) -> None:
    """Whoever does not know the authority does not go on; it is the edge's own that is shown."""
    other = Authority(tmp_path, "other")
    code, output = await run("curl", "-sS", "--cacert", str(other.ca_file), f"https://{secured.edge.address}/healthz")
    assert code == 60, output  # curl's word for a certificate that does not verify
    _, shown = await run(
        "openssl", "s_client", "-connect", secured.edge.address, "-CAfile", str(secured.authority.ca_file), "-brief"
    )
    assert "Verification: OK" in shown
    assert "CN = edge" in shown


async def test_browsers_are_asked_to_stay_with_https(secured: Secured, bearer: dict[str, str]) -> None:
    """Every answer says so: good ones, refusals and unknown paths."""
    for path, headers in (("/feed", bearer), ("/feed", {}), ("/nothing", {}), ("/healthz", {})):
        response = await secured.edge.http.get(path, headers=headers)
        assert response.headers["strict-transport-security"] == "max-age=31536000"


async def test_grpc_goes_by_tls(secured: Secured, bearer: dict[str, str]) -> None:
    """A stub with the authority's certificate reads the feed."""
    assert (await grpc_call(secured.edge, FEED_PATH, GetFeedRequest(), bearer)).code == 0


async def test_a_renewed_certificate_is_taken_while_running(secured: Secured, tmp_path: Path) -> None:
    """Moved into place, key first, it is what the next connection gets; the process is the same."""
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
    """What is no certificate is not taken: the edge goes on with the one that it has."""
    before = await serial(secured)
    damaged = tmp_path / "damaged"
    damaged.write_text("nonsense")
    shutil.copy(secured.certificate, tmp_path / "good")
    shutil.move(damaged, secured.certificate)
    async with asyncio.timeout(30):
        while "Failed to reload certificates" not in secured.edge.log.read_text():  # noqa: ASYNC110 - another process complains
            await asyncio.sleep(0.05)
    assert await serial(secured) == before
    shutil.move(tmp_path / "good", secured.certificate)


def test_half_of_a_pair_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, jwks_file: Path) -> None:
    """A certificate without its key, or with another's, ends the start with a sentence."""
    authority = Authority(tmp_path, "root")
    (certificate, key), (_, other) = authority.issue("one", "127.0.0.1"), authority.issue("two", "127.0.0.1")
    for name, value in leading_to("127.0.0.1:50051").items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("LENSFEED_EDGE_DIR", str(tmp_path))
    monkeypatch.setenv("LENSFEED_TOKEN_JWKS_FILE", str(jwks_file))
    monkeypatch.setenv("LENSFEED_EDGE_TLS_CERT_FILE", str(certificate))
    with pytest.raises(SettingsError, match="go together"):
        EdgeSettings.load()
    monkeypatch.setenv("LENSFEED_EDGE_TLS_KEY_FILE", str(other))
    with pytest.raises(SettingsError, match="no certificate and its key"):
        EdgeSettings.load()
    monkeypatch.setenv("LENSFEED_EDGE_TLS_KEY_FILE", str(key))
    assert EdgeSettings.load().edge_uses_tls
