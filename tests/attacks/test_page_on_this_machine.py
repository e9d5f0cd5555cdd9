"""A web page that is open in a browser on the machine of `lensfeed dev` asks every port that the mesh opens.

Before: a GET to SeaweedFS's master emptied the bucket, and a POST to Envoy's administration turned /healthz to 503.
Now: no port but the edge's does anything for a request without a key.
"""

import asyncio
import sys
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import psutil
import pytest
import pytest_asyncio
import redis.asyncio
from cassandra.auth import PlainTextAuthProvider
from cassandra.cluster import Cluster, NoHostAvailable
from redis.exceptions import AuthenticationError

from tests.attacks.listening import ports_of
from tests.blackbox.clean_mesh import clean_mesh
from tests.blackbox.mesh import Mesh
from tests.store_kinds import STORE_KINDS

pytestmark = pytest.mark.mesh

# What a page can send without asking (a "simple request"): GET, HEAD and POST with a form's content types.
REQUESTS = (
    ("GET", "/"),
    ("GET", "/metrics"),
    ("GET", "/col/delete?collection=lensfeed-media"),
    ("GET", "/dir/assign?count=1"),
    ("GET", "/dir/lookup?volumeId=1"),
    ("GET", "/vol/grow?count=1"),
    ("GET", "/vol/vacuum"),
    ("GET", "/submit"),
    ("GET", "/buckets/lensfeed-media/?recursive=true"),
    ("GET", "/lensfeed-media/"),
    ("POST", "/healthcheck/fail"),
    ("POST", "/quitquitquit"),
    ("POST", "/drain_listeners"),
    ("POST", "/logging?level=trace"),
    ("POST", "/buckets/lensfeed-media/m/planted.html"),
    ("POST", "/lensfeed-media/m/planted.html"),
    ("POST", "/submit"),
    ("POST", "/s3-events"),
)
PAGE = {"Origin": "https://evil.example", "Content-Type": "text/plain"}
# It only shows that it is there.
HARMLESS = {("weed master.port", "GET", "/")}
KNOWN = {
    *("LENSFEED_LISTEN_ADDR", "LENSFEED_METRICS_ADDR", "LENSFEED_WEBHOOK_ADDR", "LENSFEED_EDGE_ADDR"),
    *("valkey", "cassandra"),
    *(f"weed {server}.port{kind}" for server in ("master", "volume", "filer", "s3") for kind in ("", ".grpc")),
}


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def whole_mesh(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Mesh]:
    """Give a mesh with a Cassandra of its own."""
    async with clean_mesh(tmp_path_factory.mktemp("attacked") / "data", "cassandra") as mesh:
        yield mesh


@pytest.fixture(scope="module", params=STORE_KINDS)
def mesh(request: pytest.FixtureRequest) -> Mesh:
    """Give a mesh that runs all of its parts itself."""
    mesh: Mesh = request.getfixturevalue("whole_mesh" if request.param == "cassandra" else "sqlite_mesh")
    return mesh


async def test_every_port_is_known(mesh: Mesh) -> None:
    """A port that this module does not know is one that nobody has thought about."""
    ports = ports_of(psutil.Process(mesh.process.pid))
    assert {kind for kind in ports.values() if kind not in KNOWN} == set()
    assert len(ports) >= len(mesh.addresses)


async def test_a_page_changes_nothing(mesh: Mesh) -> None:
    """No port does or tells anything for a request that a web page can send, and the mesh stays well."""
    ports = ports_of(psutil.Process(mesh.process.pid))
    async with httpx.AsyncClient(timeout=5) as http:
        asked = [
            (kind, method, path, _status(http, port, method, path))
            for port, kind in ports.items()
            if kind != "LENSFEED_EDGE_ADDR"
            for method, path in REQUESTS
            if (kind, method, path) not in HARMLESS
        ]
        statuses = await asyncio.gather(*(status for *_, status in asked))
    done = [
        (*request, status) for (*request, _), status in zip(asked, statuses, strict=True) if status and status < 400
    ]
    assert done == []
    async with httpx.AsyncClient(base_url=mesh.url) as http:
        assert (await http.get("/healthz")).status_code == 200
        assert (await http.get("/m/planted.html")).status_code == 404


async def test_metrics_are_only_for_scrapers_of_this_machine(mesh: Mesh) -> None:
    """A scraper reads metrics; a page does not, whatever name its server gives this machine, and nobody changes anything."""
    ports = [
        port for port, kind in ports_of(psutil.Process(mesh.process.pid)).items() if kind == "LENSFEED_METRICS_ADDR"
    ]
    assert len(ports) == 8
    pages = ({"Host": "evil.example"}, {"Host": f"127.0.0.1.evil.example:{ports[0]}"}, {"Sec-Fetch-Site": "cross-site"})
    async with httpx.AsyncClient(timeout=5) as http:
        for port in ports:
            url = f"http://127.0.0.1:{port}/metrics"
            scraped = await http.get(url)
            assert scraped.status_code == 200
            assert "process_resident_memory_bytes" in scraped.text
            assert [(await http.get(url, headers=page)).status_code for page in pages] == [403, 403, 403]
            assert (await http.post(url)).status_code == 405


async def test_redis_wants_its_password(mesh: Mesh) -> None:
    """Another user of the machine reads no timeline and sends no event."""
    host, _, port = mesh.addresses["valkey"].partition(":")
    async with redis.asyncio.Redis(host=host, port=int(port)) as client:
        with pytest.raises(AuthenticationError):
            await client.ping()


async def _status(http: httpx.AsyncClient, port: int, method: str, path: str) -> int | None:
    """Return the status of one request; None where the port speaks no HTTP/1.1, or hangs up."""
    try:
        response = await http.request(method, f"http://127.0.0.1:{port}{path}", headers=PAGE, content=b"x")
    except httpx.TransportError:
        return None
    return response.status_code


async def test_cassandra_wants_its_password(mesh: Mesh) -> None:
    """Neither nobody nor the account that every Cassandra comes with can enter."""
    if "cassandra" not in mesh.addresses:
        return
    host, _, port = mesh.addresses["cassandra"].partition(":")
    for provider in (None, PlainTextAuthProvider("cassandra", "cassandra")):
        cluster = Cluster([host], port=int(port), auth_provider=provider, protocol_version=5)
        try:
            with pytest.raises(NoHostAvailable, match=r"uthentication|Bad credentials"):
                await asyncio.to_thread(cluster.connect)
        finally:
            cluster.shutdown()


async def test_other_users_of_the_machine_read_nothing(mesh: Mesh) -> None:
    """Every folder is for its owner alone, and every file but SeaweedFS's, which a closed folder protects, and public keys."""
    weeds, public = mesh.data / "seaweed" / "data", mesh.data / "keys" / "jwks.json"
    paths = {mesh.data, *mesh.data.rglob("*")} - {public}
    found = [path for path in paths if path.lstat().st_mode & 0o077 and not path.is_symlink() and path.parent != weeds]
    assert [str(path.relative_to(mesh.data)) for path in found] == []


async def test_a_folder_that_others_can_open_is_refused(tmp_path: Path) -> None:
    """`lensfeed dev` says how to close it, and starts nothing."""
    (tmp_path / "open").mkdir()
    (tmp_path / "open").chmod(0o755)
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "devmesh", "dev", "--data", str(tmp_path / "open"), "--port", "0"), stderr=PIPE
    )
    _, said = await process.communicate()
    assert process.returncode == 1
    assert f"chmod -R go= {tmp_path / 'open'}" in said.decode()
    assert list((tmp_path / "open").iterdir()) == []
