"""The order of the tests, and which of them go together where several processes share them.

A unit of tests runs in one process, because its tests share what takes long to start: a mesh, or the keyspaces of a service.
Long units come first, so that at the end all processes are done at about the same time.
"""

import re

import pytest

FIRST = (
    "mesh on cassandra",
    "mesh on sqlite",
    "tests/media_svc on cassandra",
    "tests/feed_svc/reading/test_feed_machine.py",
    "tests/meshkit/cassandra",
    "tests/mesh_tls",
    "tests/devmesh/commands/test_dev.py",
    "tests/devmesh/parts/test_cassandra.py",
    "tests/post_svc on cassandra",
    "tests/follow_svc on cassandra",
    "tests/user_svc on cassandra",
)
"""The units that take longest, longest first."""

_EDGES = {"shared_edge", "edge_without_services", "edge_without_memory"}
_ON_CASSANDRA = re.compile(r"\[(.*-)?cassandra[-\]]")
_ON_CLUSTER = re.compile(r"\[(.*-)?(cassandra|three masters)[-\]]")
_ONE_MESH = ("tests/blackbox/", "tests/clients/", "tests/test_readme.py", "tests/attacks/test_page_on_this_machine.py")
_TOGETHER = ("tests/mesh_tls/", "tests/meshkit/cassandra/", "tests/stubs/")


def needs_cluster(item: pytest.Item) -> bool:
    """Tell whether a test runs on Cassandra or on a cluster of Valkeys: by its parameters, or the fixtures that it names."""
    names = getattr(item, "fixturenames", ())
    return bool(_ON_CLUSTER.search(item.name)) or not {"cassandra", "valkey_cluster"}.isdisjoint(names)


def needs_envoy(item: pytest.Item) -> bool:
    """Tell whether a test runs behind an Envoy."""
    return not _EDGES.isdisjoint(getattr(item, "fixturenames", ()))


def unit_of(nodeid: str) -> str:
    """Name the unit that a test belongs to."""
    path = nodeid.partition("::")[0]
    store = " on cassandra" if _ON_CASSANDRA.search(nodeid) else ""
    if path.startswith(_ONE_MESH):
        return f"mesh{store or ' on sqlite'}"
    if found := next((each for each in _TOGETHER if path.startswith(each)), None):
        return found.rstrip("/")
    if store:
        return "/".join(path.split("/")[:2]) + store
    return path + store


def in_units(items: list[pytest.Item]) -> list[pytest.Item]:
    """Put tests in order, unit by unit; within a unit they keep the order that pytest gave them."""
    ranks = {unit: rank for rank, unit in enumerate(FIRST)}
    for item in items:
        ranks.setdefault(unit_of(item.nodeid), len(ranks))
    return sorted(items, key=lambda item: ranks[unit_of(item.nodeid)])
