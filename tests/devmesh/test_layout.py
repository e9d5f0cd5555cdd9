"""Folders, ports, secrets and settings of a mesh."""

import socket
import stat
from pathlib import Path

import pytest

from devmesh.environment import fixed_settings, ignored_settings, shared_environment
from devmesh.errors import MeshError
from devmesh.layout import PORT_COUNT, Layout, chosen_ports
from devmesh.parts.mesh import parts_of
from devmesh.ports import LOWEST, RESERVES, free_ports, is_free, reserved_ports
from devmesh.secrets.passwords import load_secrets
from devmesh.supervise.lock import locked
from meshkit.settings import refuse_unknown_names


def layout_in(folder: Path) -> Layout:
    """Lay out a mesh in a folder."""
    with chosen_ports(0, None) as ports:
        return Layout(folder, ports, load_secrets(folder / "secrets.json"))


def test_free_ports_are_different_and_free() -> None:
    """A mesh can give each to another part."""
    ports = free_ports(30)
    assert len(set(ports)) == 30
    assert all(is_free(port) for port in ports)


@pytest.mark.skipif(not RESERVES, reason="only Linux lets a server listen on a reserved port")
def test_reserved_ports_are_passed_by_and_yet_a_server_can_listen_on_them() -> None:
    """Two meshes that start at the same moment never choose the same port."""
    with reserved_ports(1) as [port]:
        with socket.socket() as stranger, pytest.raises(OSError, match="in use"):
            stranger.bind(("127.0.0.1", port))
        with socket.socket() as server:
            server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            server.bind(("127.0.0.1", port))
            server.listen()
            socket.create_connection(("127.0.0.1", port)).close()
            assert not is_free(port)


@pytest.mark.parametrize("shared", [False, True])
def test_a_port_on_which_someone_listens_is_not_free(shared: bool) -> None:
    """Not even where the other would share it, as Envoy does."""
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, int(shared))
        other.bind(("127.0.0.1", 0))
        other.listen()
        assert not is_free(other.getsockname()[1])


def test_a_taken_port_of_the_edge_is_told_with_its_option() -> None:
    """Before anything starts."""
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        with pytest.raises(MeshError, match=r"port \d+ is in use; give the edge another with --port"):
            chosen_ports(other.getsockname()[1], None).__enter__()


def test_a_base_port_numbers_all_ports_but_the_edges() -> None:
    """So that a firewall or a person can know them."""
    base = next(base for base in range(LOWEST, 30_000, PORT_COUNT) if all(map(is_free, range(base, base + PORT_COUNT))))
    with chosen_ports(0, base) as ports:
        pass
    others = {ports.valkey, ports.webhook, *ports.services.values(), *ports.workers.values()}
    others |= set(vars(ports.seaweed).values())
    assert others == set(range(base, base + len(others)))
    assert ports.edge not in others


def test_two_meshes_do_not_share_a_folder(tmp_path: Path) -> None:
    """The second is told who holds it; when the first lets go it may have it."""
    with (
        locked(tmp_path),
        pytest.raises(MeshError, match=r"runs on .* already \(process \d+\).*--data"),
        locked(tmp_path),
    ):
        pass
    with locked(tmp_path):
        pass


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    """In a sentence."""
    (tmp_path / "file").touch()
    with pytest.raises(MeshError, match="cannot be used"), locked(tmp_path / "file" / "data"):
        pass


def test_secrets_are_made_once_and_only_for_their_owner(tmp_path: Path) -> None:
    """Cursors and tokens of yesterday are good today, and other users of the machine cannot read them."""
    path = tmp_path / "secrets.json"
    secrets = load_secrets(path)
    assert load_secrets(path) == secrets
    assert load_secrets(tmp_path / "other.json") != secrets
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_damaged_secrets_are_not_replaced(tmp_path: Path) -> None:
    """New ones would invalidate what the old ones signed, without a word."""
    path = tmp_path / "secrets.json"
    path.write_text("{}")
    with pytest.raises(MeshError, match="damaged"):
        load_secrets(path)


def test_every_setting_that_a_mesh_gives_is_one_that_some_part_reads(tmp_path: Path) -> None:
    """Or each part would refuse to start."""
    refuse_unknown_names(shared_environment(layout_in(tmp_path), {}))


def test_what_the_user_sets_passes_on_unless_it_ties_the_parts_together(tmp_path: Path) -> None:
    """A tuning setting reaches every process; an address of another mesh does not, and that is told."""
    layout = layout_in(tmp_path)
    outer = {
        "LENSFEED_LOG_LEVEL": "DEBUG",
        "LENSFEED_MEDIA_BASE_URL": "https://cdn",
        "LENSFEED_USER_ADDR": "10.0.0.1:1",
        "LENSFEED_EDGE_TLS_CERT_FILE": "edge.crt",
    }
    env = shared_environment(layout, outer)
    assert env["LENSFEED_LOG_LEVEL"] == "DEBUG"
    assert env["LENSFEED_MEDIA_BASE_URL"] == "https://cdn"
    assert env["LENSFEED_USER_ADDR"] == fixed_settings(layout)["LENSFEED_USER_ADDR"]
    assert "LENSFEED_EDGE_TLS_CERT_FILE" not in env
    assert ignored_settings(layout, outer) == ["LENSFEED_EDGE_TLS_CERT_FILE", "LENSFEED_USER_ADDR"]


def test_files_with_secrets_are_only_for_their_owner(tmp_path: Path) -> None:
    """Also those that the servers read."""
    parts_of(layout_in(tmp_path), {})
    for name in ("s3.json", "security.toml", "notification.toml"):
        assert stat.S_IMODE((tmp_path / "seaweed" / name).stat().st_mode) == 0o600
