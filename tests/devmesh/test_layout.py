"""Folders, ports, passwords and settings of a mesh."""

import socket
import stat
from pathlib import Path

import pytest

from devmesh.copies import read_copies
from devmesh.environment import fixed_settings, ignored_settings, shared_environment
from devmesh.errors import MeshError
from devmesh.layout import PORT_COUNT, Layout, Ports, assign_ports, chosen_ports, port_count
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
    others = others_of(ports)
    assert others == set(range(base, base + len(others)))
    assert ports.edge not in others


def others_of(ports: Ports) -> set[int]:
    """Return every port but the first edge's."""
    several = (*ports.services.values(), *ports.workers.values(), ports.edges[1:])
    others = {ports.valkey, ports.webhook, *vars(ports.seaweed).values(), *ports.metrics.values()}
    return others.union(*several)


def test_copies_take_further_ports() -> None:
    """With copies, the ports of one of each part stay as they are. Copies of an edge serve no metrics."""
    copies = read_copies(["feed-serve=3", "edge=2", "post-work=2"])
    alone, many = assign_ports(1, range(100, 100 + PORT_COUNT)), assign_ports(1, range(100, 200), copies)
    assert others_of(many) == set(range(100, 100 + port_count(copies)))
    assert others_of(alone) < others_of(many)
    assert many.services["feed"][0] == alone.services["feed"][0]
    assert {name: len(ports) for name, ports in many.services.items() if len(ports) > 1} == {"feed": 3}
    assert set(many.metrics) - set(alone.metrics) == {"feed-serve-2", "feed-serve-3", "post-work-2"}


@pytest.mark.parametrize(
    ("wish", "message"),
    [
        ("feeds=2", "there is no part 'feeds'; the parts are edge, user-serve"),
        ("edge", "must be between 1 and 9"),
        ("edge=10", "must be between 1 and 9"),
    ],
)
def test_unknown_copies_are_refused(wish: str, message: str) -> None:
    """The error names the option, the parts and the bounds."""
    with pytest.raises(MeshError, match=f"--copies {wish}: .*{message}"):
        read_copies([wish])


def test_copies_know_each_other(tmp_path: Path) -> None:
    """Callers get the addresses of all copies. Workers differ by their index, and S3 tells one media_svc."""
    copies = read_copies(["media-serve=2", "post-work=2", "edge=2"])
    with chosen_ports(0, None, copies) as ports:
        layout = Layout(tmp_path, ports, load_passwords(tmp_path / "secrets.json"))
        parts = mesh_parts(layout, shared_environment(layout, {}))
    env = {part.name: part.command.env for group in parts.groups() for part in group}
    first, second = ports.services["media"]
    assert env["edge"]["LENSFEED_MEDIA_ADDR"] == f"127.0.0.1:{first},127.0.0.1:{second}"
    assert ("LENSFEED_WEBHOOK_ADDR" in env["media-serve"], "LENSFEED_WEBHOOK_ADDR" in env["media-serve-2"]) == (
        True,
        False,
    )
    assert env["post-work-2"]["LENSFEED_WORKER_INDEX"] == "1"
    assert env["edge"]["LENSFEED_EDGE_DIR"] != env["edge-2"]["LENSFEED_EDGE_DIR"]


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
