"""Choosing the store of a mesh."""

import json
import socket
from pathlib import Path

import pytest

from devmesh.errors import MeshError
from devmesh.parts.cassandra.jars import ignore_progress
from devmesh.parts.cassandra.node import ClusterShape
from devmesh.parts.cassandra.ports import cluster_ports
from devmesh.parts.stores import CONTACT_POINTS, Store, StoreOptions, chosen_store

ELSEWHERE = {CONTACT_POINTS: "10.0.0.1:9042"}


def choose(wish: StoreOptions, folder: Path) -> Store:
    """Choose a store while the environment names an existing Cassandra."""
    with chosen_store(wish, folder, "password", None, ELSEWHERE, ignore_progress) as store:
        return store


def test_an_existing_cluster_is_used(tmp_path: Path) -> None:
    """With an existing cluster, the mesh runs none and keeps the outer settings."""
    store = choose(StoreOptions("cassandra"), tmp_path)
    assert store.cluster is None
    assert store.settings == {"LENSFEED_STORE": "cassandra"}


def test_sqlite_needs_no_java(tmp_path: Path) -> None:
    """SQLite needs no other program."""
    with chosen_store(StoreOptions("sqlite"), tmp_path, "password", None, {"PATH": ""}, ignore_progress) as store:
        assert store == Store()


def test_a_folder_stays_with_its_store(tmp_path: Path) -> None:
    """A data folder of one store is refused for another."""
    choose(StoreOptions("sqlite"), tmp_path)
    choose(StoreOptions("sqlite"), tmp_path)
    with pytest.raises(MeshError, match=r"has data of --store sqlite, not of the cluster at .*; use another --data"):
        choose(StoreOptions("cassandra"), tmp_path)


def test_a_folder_without_a_note_belongs_to_sqlite(tmp_path: Path) -> None:
    """A data folder of an older version counts as one of SQLite."""
    (tmp_path / "sqlite").mkdir()
    with pytest.raises(MeshError, match="has data of --store sqlite"):
        choose(StoreOptions("cassandra"), tmp_path)
    choose(StoreOptions("sqlite"), tmp_path)


def test_the_size_of_a_cluster_cannot_change(tmp_path: Path) -> None:
    """Another number of nodes is refused, because new nodes would lack the data."""
    (tmp_path / "store.json").write_text(json.dumps({"store": "cassandra", "nodes": 1}))
    with (
        pytest.raises(MeshError, match=r"of --store cassandra --cassandra-nodes 1, not of .* --cassandra-nodes 3"),
        chosen_store(StoreOptions("cassandra", nodes=3), tmp_path, "password", None, {}, ignore_progress),
    ):
        pass


def test_the_storage_port_is_reused(tmp_path: Path) -> None:
    """The storage port of the last run is reused unless it is taken."""
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


def test_replication_follows_the_number_of_nodes() -> None:
    """One node has one replica and three nodes have three."""
    assert ClusterShape(3, 9042, 7000).replication["replication_factor"] == 3
    assert ClusterShape(1, 9042, 7000).replication["replication_factor"] == 1
    assert ClusterShape(3, 9042, 7000).contact_points == "127.0.0.1:9042,127.0.0.2:9042,127.0.0.3:9042"
