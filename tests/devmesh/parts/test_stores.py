"""Where the services of a mesh keep their data."""

import json
import socket
from pathlib import Path

import pytest

from devmesh.errors import MeshError
from devmesh.parts.cassandra.jars import say_nothing
from devmesh.parts.cassandra.node import ClusterShape
from devmesh.parts.cassandra.ports import cluster_ports
from devmesh.parts.stores import CONTACT_POINTS, Store, StoreWish, chosen_store

ELSEWHERE = {CONTACT_POINTS: "10.0.0.1:9042"}


def choose(wish: StoreWish, folder: Path) -> Store:
    """Choose a store where a Cassandra is there already."""
    with chosen_store(wish, folder, "password", None, ELSEWHERE, say_nothing) as store:
        return store


def test_a_cluster_that_is_there_is_used_as_it_is(tmp_path: Path) -> None:
    """The mesh runs none, and passes on what the environment says of it."""
    store = choose(StoreWish("cassandra"), tmp_path)
    assert store.cluster is None
    assert store.settings == {"LENSFEED_STORE": "cassandra"}


def test_sqlite_needs_no_java(tmp_path: Path) -> None:
    """Nor anything else."""
    with chosen_store(StoreWish("sqlite"), tmp_path, "password", None, {"PATH": ""}, say_nothing) as store:
        assert store == Store()


def test_a_folder_stays_with_its_store(tmp_path: Path) -> None:
    """Else the timelines of one store's people would be served to those of another."""
    choose(StoreWish("sqlite"), tmp_path)
    choose(StoreWish("sqlite"), tmp_path)
    with pytest.raises(
        MeshError, match=r"holds the data of --store sqlite, not of the cluster at .*; give another --data"
    ):
        choose(StoreWish("cassandra"), tmp_path)


def test_a_folder_from_before_there_was_a_choice_is_one_of_sqlite(tmp_path: Path) -> None:
    """Its data are where they were."""
    (tmp_path / "sqlite").mkdir()
    with pytest.raises(MeshError, match="holds the data of --store sqlite"):
        choose(StoreWish("cassandra"), tmp_path)
    choose(StoreWish("sqlite"), tmp_path)


def test_a_cluster_does_not_change_its_size(tmp_path: Path) -> None:
    """Two new nodes beside one that has all the data would answer that there are none."""
    (tmp_path / "store.json").write_text(json.dumps({"store": "cassandra", "nodes": 1}))
    with (
        pytest.raises(MeshError, match=r"of --store cassandra --cassandra-nodes 1, not of .* --cassandra-nodes 3"),
        chosen_store(StoreWish("cassandra", nodes=3), tmp_path, "password", None, {}, say_nothing),
    ):
        pass


def test_nodes_find_each_other_where_they_were(tmp_path: Path) -> None:
    """Their port is that of the last run; where a stranger listens on it they move."""
    with cluster_ports(tmp_path) as (native, first), cluster_ports(tmp_path / "other") as others:
        assert not {native, first} & set(others)
    with cluster_ports(tmp_path) as (_, second):
        assert second == first
    with socket.socket() as stranger:
        stranger.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        stranger.bind(("127.0.0.1", first))
        stranger.listen()
        with cluster_ports(tmp_path) as (_, third):
            assert third != first


def test_three_nodes_keep_three_copies() -> None:
    """And one keeps one: a keyspace with more copies than nodes would refuse each quorum."""
    assert ClusterShape(3, 9042, 7000).replication["replication_factor"] == 3
    assert ClusterShape(1, 9042, 7000).replication["replication_factor"] == 1
    assert ClusterShape(3, 9042, 7000).contact_points == "127.0.0.1:9042,127.0.0.2:9042,127.0.0.3:9042"
