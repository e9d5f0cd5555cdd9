"""The real servers that tests share. Each starts when the first test needs it."""

import asyncio
import os
import secrets
from collections.abc import AsyncIterator, Callable
from functools import partial
from typing import Any

import pytest
import pytest_asyncio
import uvloop

import meshkit  # noqa: F401 - first: it sets what gRPC reads when it is imported
from devmesh.parts.bucket import S3
from devmesh.parts.seaweed import running_seaweed
from devmesh.parts.valkey import running_valkey
from tests.blackbox.clean_mesh import clean_mesh
from tests.blackbox.mesh import Mesh
from tests.scheduling import in_units, needs_cluster, needs_envoy
from tests.served_sights import ServedSights, serving_sights
from tests.shared_cassandra import shared_cassandra
from tests.valkey_cluster import ValkeyCluster, running_cluster

CONTACT_POINTS = "LENSFEED_CASSANDRA_CONTACT_POINTS"
PROCESS = "PYTEST_XDIST_WORKER"


def pytest_configure(config: pytest.Config) -> None:
    """Register the markers."""
    config.addinivalue_line("markers", "faults: breaks a cluster on purpose; only `make faults-nodes` runs it")
    config.addinivalue_line("markers", "stubs: runs the clients of other languages; only `make test-stubs` runs it")
    config.addinivalue_line("markers", "images: runs the images that are built; only `make test-images` runs it")
    config.addinivalue_line("markers", "mesh: runs on a whole mesh; `make test-fast` leaves it out")
    config.addinivalue_line("markers", "slow: takes more than a second, or an Envoy; `make test-fast` leaves it out")
    config.addinivalue_line(
        "markers", "cluster: runs on Cassandra or a Valkey cluster, which conftest.py finds out by itself"
    )


def pytest_itemcollected(item: pytest.Item) -> None:
    """Mark what runs on a cluster, or behind an Envoy."""
    if needs_cluster(item):
        item.add_marker("cluster")
    if needs_envoy(item):
        item.add_marker("slow")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put together what shares servers."""
    items[:] = in_units(items)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> object:
    """Give what shares servers to one process."""
    from tests.unit_scheduling import UnitScheduling

    return UnitScheduling(config, log)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the totals that tests have told."""
    reports = [report for report in terminalreporter.stats.get("passed", ()) if report.when == "call"]
    if totals := [text for report in reports for name, text in report.user_properties if name == "total"]:
        terminalreporter.section("totals", sep="-")
        for text in totals:
            terminalreporter.line(text)


@pytest.fixture
def tell(record_property: Callable[[str, object], None]) -> Callable[[str], None]:
    """Give a way to print a line after all tests, from whichever process: totals are for whoever runs them."""
    return partial(record_property, "total")


@pytest.fixture(scope="session")
def _asyncio_loop_factory() -> Callable[[], asyncio.AbstractEventLoop]:
    """Run the tests on the loop that the processes run on.

    The hook that pytest-asyncio has for this makes it a parameter of async tests: every session fixture would start a second
    time for the tests that are not async.
    """
    return uvloop.new_event_loop


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def valkey_url(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[str]:
    """Give a real Valkey, one for all tests: use keys of your own, or flush it."""
    async with running_valkey(tmp_path_factory.mktemp("valkey")) as url:
        yield url


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def sights(tmp_path_factory: pytest.TempPathFactory, valkey_url: str) -> AsyncIterator[ServedSights]:
    """Give a real follow_svc, one for all tests that only ask it who sees whom: use accounts of your own."""
    async with serving_sights(tmp_path_factory.mktemp("sights"), valkey_url.removesuffix("/0") + "/14") as sights:
        yield sights


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def valkey_cluster(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[ValkeyCluster]:
    """Give a real cluster of three masters, one for all tests: leave its nodes alive and its slots where they were."""
    async with running_cluster(tmp_path_factory.mktemp("valkey-cluster")) as cluster:
        yield cluster


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def s3(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[S3]:
    """Give a real S3 (SeaweedFS), one for all tests, with its bucket made: use object keys of your own."""
    async with running_seaweed(tmp_path_factory.mktemp("seaweed")) as s3:
        yield s3


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def cassandra(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[str]:
    """Give the contact points of a real Cassandra, one node for all tests: use keyspaces of your own.

    LENSFEED_CASSANDRA_CONTACT_POINTS names a cluster that is there already.
    """
    if named := os.environ.get(CONTACT_POINTS):
        yield named
        return
    # The processes of pytest-xdist have a folder each, in one that is theirs together.
    own = tmp_path_factory.getbasetemp()
    async with shared_cassandra((own.parent if PROCESS in os.environ else own) / "cassandra") as contact_points:
        yield contact_points


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def sqlite_mesh(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Mesh]:
    """Give a running mesh on SQLite, one for all tests: make people of your own, and leave its parts alive."""
    async with clean_mesh(tmp_path_factory.mktemp("mesh"), "sqlite") as mesh:
        yield mesh


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def cassandra_mesh(tmp_path_factory: pytest.TempPathFactory, cassandra: str) -> AsyncIterator[Mesh]:
    """Give such a mesh on the Cassandra of all tests."""
    settings = {CONTACT_POINTS: cassandra, "LENSFEED_CASSANDRA_KEYSPACE_PREFIX": f"test_{secrets.token_hex(4)}_mesh"}
    async with clean_mesh(tmp_path_factory.mktemp("mesh"), "cassandra", settings=settings) as mesh:
        yield mesh
