"""Folders, ports, passwords and settings of a mesh."""

import socket
import stat
from pathlib import Path

import pytest

from devmesh.environment import fixed_settings, ignored_settings, shared_environment
from devmesh.errors import MeshError
from devmesh.layout import PORT_COUNT, Layout, chosen_ports
from devmesh.parts.mesh import mesh_parts
from devmesh.ports import LOWEST, RESERVES, free_ports, is_free, reserved_ports
from devmesh.secrets.passwords import load_passwords
from devmesh.supervise.lock import locked
from meshkit.settings import refuse_unknown_names


def layout_in(folder: Path) -> Layout:
    """Create the layout of a mesh in a folder."""
    with chosen_ports(0, None) as ports:
        return Layout(folder, ports, load_passwords(folder / "secrets.json"))


def test_free_ports_are_different_and_free() -> None:
    """Free ports are distinct and unused."""
    ports = free_ports(30)
    assert len(set(ports)) == 30
    assert all(is_free(port) for port in ports)


@pytest.mark.skipif(not RESERVES, reason="only Linux lets a server listen on a reserved port")
def test_servers_can_listen_on_reserved_ports() -> None:
    """Others cannot take a reserved port, but a server with SO_REUSEADDR can."""
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
def test_a_port_with_a_listener_is_not_free(shared: bool) -> None:
    """A port with a listener is not free, even if the listener shares it as Envoy does."""
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, int(shared))
        other.bind(("127.0.0.1", 0))
        other.listen()
        assert not is_free(other.getsockname()[1])


def test_a_used_port_of_the_edge_names_the_option() -> None:
    """The error about a used port of the edge names --port."""
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        with pytest.raises(MeshError, match=r"port \d+ is in use; choose another for the edge with --port"):
            chosen_ports(other.getsockname()[1], None).__enter__()


def test_a_base_port_numbers_all_other_ports() -> None:
    """--base-port numbers all ports but the edge's."""
    base = next(base for base in range(LOWEST, 30_000, PORT_COUNT) if all(map(is_free, range(base, base + PORT_COUNT))))
    with chosen_ports(0, base) as ports:
        pass
    others = {ports.valkey, ports.webhook, *ports.services.values(), *ports.workers.values()}
    others |= set(ports.metrics.values())
    others |= set(vars(ports.seaweed).values())
    assert others == set(range(base, base + len(others)))
    assert ports.edge not in others


def test_two_meshes_do_not_share_a_folder(tmp_path: Path) -> None:
    """A second mesh on the same folder is refused until the first one ends."""
    with (
        locked(tmp_path),
        pytest.raises(MeshError, match=r"already running on .* \(process \d+\).*--data"),
        locked(tmp_path),
    ):
        pass
    with locked(tmp_path):
        pass


def test_an_unusable_data_folder_is_an_error(tmp_path: Path) -> None:
    """A folder that cannot be created is an error with the reason."""
    (tmp_path / "file").touch()
    with pytest.raises(MeshError, match="cannot use the data folder"), locked(tmp_path / "file" / "data"):
        pass


def test_passwords_are_created_once(tmp_path: Path) -> None:
    """Passwords are created once and readable only by their owner."""
    path = tmp_path / "secrets.json"
    secrets = load_passwords(path)
    assert load_passwords(path) == secrets
    assert load_passwords(tmp_path / "other.json") != secrets
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_damaged_password_file_is_not_replaced(tmp_path: Path) -> None:
    """A damaged file is an error, because new keys would invalidate cursors."""
    path = tmp_path / "secrets.json"
    path.write_text("{}")
    with pytest.raises(MeshError, match="damaged"):
        load_passwords(path)


def test_every_setting_of_a_mesh_is_known(tmp_path: Path) -> None:
    """Every setting that a mesh sets is read by some part."""
    refuse_unknown_names(shared_environment(layout_in(tmp_path), {}))


def test_outer_settings_are_passed_on(tmp_path: Path) -> None:
    """Outer settings reach all parts, except those that connect the parts, which are reported."""
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


def test_files_with_passwords_are_private(tmp_path: Path) -> None:
    """Configuration files with passwords are readable only by their owner."""
    mesh_parts(layout_in(tmp_path), {})
    for name in ("s3.json", "security.toml", "notification.toml"):
        assert stat.S_IMODE((tmp_path / "seaweed" / name).stat().st_mode) == 0o600
