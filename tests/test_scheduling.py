"""How tests are shared between processes, and which loop they run on."""

import asyncio
import itertools

import pytest
import pytest_asyncio
import uvloop

from tests.scheduling import in_units, needs_cluster, unit_of

seen: list[object] = []


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def server() -> object:
    """Give something that starts once."""
    return object()


@pytest.mark.parametrize(
    ("test", "unit"),
    [
        ("tests/blackbox/test_feeds.py::test_walk[cassandra-1]", "mesh on cassandra"),
        ("tests/blackbox/test_feeds.py::test_walk[sqlite-1]", "mesh on sqlite"),
        ("tests/clients/test_python_calls.py::test_pages", "mesh on sqlite"),
        ("tests/post_svc/test_create_post.py::test_post[cassandra]", "tests/post_svc on cassandra"),
        ("tests/post_svc/test_create_post.py::test_post[sqlite]", "tests/post_svc/test_create_post.py"),
        ("tests/mesh_tls/test_peers.py::test_peers[feed]", "tests/mesh_tls"),
    ],
)
def test_tests_of_one_server_are_one_unit(test: str, unit: str) -> None:
    """Tests that share a mesh or a keyspace run in the same process; the others are divided by module."""
    assert unit_of(test) == unit


def test_units_stay_together(request: pytest.FixtureRequest) -> None:
    """Each unit is one run of tests, and sorting loses no test."""
    items = request.session.items
    units = [unit_of(item.nodeid) for item in in_units(items[::-1])]
    changes = sum(left != right for left, right in itertools.pairwise(units))
    assert changes == len(set(units)) - 1
    assert len(units) == len(items)


@pytest.mark.parametrize("kind", ["sqlite", "cassandra", "three masters"])
def test_cluster_tests_are_marked(request: pytest.FixtureRequest, kind: str) -> None:
    """Parameters say which tests run on a cluster."""
    assert needs_cluster(request.node) == (kind != "sqlite")
    assert (request.node.get_closest_marker("cluster") is not None) == (kind != "sqlite")


async def test_tests_run_on_uvloop(server: object) -> None:
    """Async tests run on the loop that the processes run on."""
    assert isinstance(asyncio.get_running_loop(), uvloop.Loop)
    seen.append(server)


def test_a_server_starts_once(server: object) -> None:
    """Tests with and without async get the same server."""
    seen.append(server)
    assert len({id(each) for each in seen}) == 1
