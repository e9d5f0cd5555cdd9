"""What may import what, and that the lists of packages and settings are true."""

import ast
import configparser
import importlib
import re
import shutil
import subprocess
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from meshkit.setting_names import SETTING_NAMES
from meshkit.settings import PREFIX, Settings

ROOT = Path(__file__).parents[1]
SERVICES = ("feed_svc", "follow_svc", "media_svc", "post_svc", "user_svc")
ROOMS = ("devmesh", "edge_proxy", "meshkit", *SERVICES)
# Top-level folders with Python in them that are not installed.
NOT_INSTALLED = frozenset({"bench", "build", "clients", "dist", "docs", "deploy", "protos", "tests", "web"})

# What use cases, models and ports must not know: transports, generated code, stores' drivers, and our bridges to them.
TECHNOLOGY = (
    *(
        "grpc",
        "google",
        "lensfeed",
        "redis",
        "hiredis",
        "cassandra",
        "boto3",
        "botocore",
        "aiobotocore",
        "sqlite3",
        "aiohttp",
    ),
    *("meshkit.cassandra", "meshkit.channels", "meshkit.layers", "meshkit.redis_client", "meshkit.redis_mux"),
    *("meshkit.server", "meshkit.sqlite", "meshkit.status"),
)
# The files of a service that stand between the domain and a technology: in every service these, and whatever lies in store/
# beside its ports and rules …
ADAPTERS = frozenset({"__main__.py", "app.py", "events.py", "peers.py", "rpc.py", "settings.py"})
STORE, STORE_DOMAIN = "store", frozenset({"port.py", "ports.py", "model.py", "rules.py"})
# … and in one alone.
OWN_ADAPTERS = {
    "feed_svc": set[str](),
    "follow_svc": set[str](),
    "media_svc": {
        "jobs.py",
        "popularity.py",
        "presenting.py",
        "purge_cdn.py",
        "receive_s3_events.py",
        "receive_sqs.py",
        "s3.py",
        "set_up_bucket.py",
    },
    "post_svc": {"manifests.py", "messages.py"},
    "user_svc": {"messages.py"},
}

# Settings that are read without a Settings class: by the command for the programs of the wheels, and by what it runs.
READ_ELSEWHERE = frozenset({"LENSFEED_URL", "LENSFEED_VALKEY_BINARY", "LENSFEED_WEED_BINARY"})

REGISTRIES = (
    *("pypi org", "files pythonhosted org", "registry npmjs org", "registry yarnpkg com", "repo maven apache org"),
    *("repo1 maven org", "proxy golang org", "static crates io", "index crates io"),
)


def imports_of(file: Path) -> set[str]:
    """Return the full names of what a file imports, anywhere in it; `from a import b` counts as `a.b`."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            package = file.relative_to(ROOT).parts[: -node.level] if node.level else ()
            module = ".".join((*package, *filter(None, [node.module])))
            found.update(f"{module}.{alias.name}" for alias in node.names)
    return found


def modules_of(room: str) -> Iterator[Path]:
    """Return a room's source files."""
    yield from sorted((ROOT / room).rglob("*.py"))


def domain_of(service: str) -> Iterator[Path]:
    """Return a service's use cases, models and ports."""
    for file in modules_of(service):
        name = file.relative_to(ROOT / service)
        is_store = name.parts[0] == STORE and file.name not in STORE_DOMAIN
        if not is_store and str(name) not in ADAPTERS | OWN_ADAPTERS[service]:
            yield file


def offences(files: Iterable[Path], *, forbidden: tuple[str, ...]) -> list[str]:
    """Return `file: import` for each import that some files must not have."""
    return [
        f"{file.relative_to(ROOT)}: {name}"
        for file in files
        for name in sorted(imports_of(file))
        if is_in(name, forbidden)
    ]


def is_in(name: str, packages: tuple[str, ...]) -> bool:
    """Tell whether a full name lies in one of some packages."""
    return any(f"{name}.".startswith(f"{package}.") for package in packages)


def test_the_reader_of_imports_sees_every_kind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Plain, aliased, nested, conditional and relative imports are all found."""
    monkeypatch.setattr(f"{__name__}.ROOT", tmp_path)
    file = tmp_path / "post_svc" / "store" / "port.py"
    file.parent.mkdir(parents=True)
    file.write_text(
        "import grpc.aio as rpc\nfrom .. import model\nfrom . import sqlite\nif TYPE_CHECKING:\n    from redis import Redis\n"
        "def late():\n    from lensfeed.post.v1 import post_pb2\n"
    )
    assert imports_of(file) == {
        *("grpc.aio", "post_svc.model", "post_svc.store.sqlite", "redis.Redis", "lensfeed.post.v1.post_pb2"),
    }
    assert offences(domain_of("post_svc"), forbidden=("grpc", "redis")) == [
        "post_svc/store/port.py: grpc.aio",
        "post_svc/store/port.py: redis.Redis",
    ]
    assert not is_in("lensfeed_tools.x", ("lensfeed",))


def test_the_runtime_knows_no_room() -> None:
    """Meshkit can be read, tested and moved without any of what is built on it."""
    assert len(list(modules_of("meshkit"))) > 20
    assert offences(modules_of("meshkit"), forbidden=tuple(room for room in ROOMS if room != "meshkit")) == []


@pytest.mark.parametrize("service", SERVICES)
def test_services_meet_only_through_contracts(service: str) -> None:
    """No service imports another one, or what runs the mesh."""
    assert list(modules_of(service))
    assert (
        offences(modules_of(service), forbidden=tuple(room for room in ROOMS if room not in {"meshkit", service})) == []
    )


@pytest.mark.parametrize("service", SERVICES)
def test_the_domain_knows_no_technology(service: str) -> None:
    """Use cases, models and ports import no transport, no generated code and no store's driver."""
    domain = list(domain_of(service))
    assert len(domain) > 3
    assert offences(domain, forbidden=TECHNOLOGY) == []


@pytest.mark.parametrize("service", SERVICES)
def test_the_list_of_adapters_is_no_longer_than_it_must_be(service: str) -> None:
    """Each file that one service alone has as an adapter is there, and does import a technology."""
    for name in OWN_ADAPTERS[service]:
        assert any(is_in(imported, TECHNOLOGY) for imported in imports_of(ROOT / service / name)), name


def test_every_package_is_installed() -> None:
    """setup.cfg names exactly the packages that are there, the generated ones among them; it would leave one out in silence."""
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg")
    listed = setup["options"]["packages"].split()
    assert sorted(listed) == listed, "they are sorted, so that one is found"
    assert set(listed) == set(_packages_on_disk())


def test_every_setting_is_known() -> None:
    """The list of names is what all settings classes of all rooms read, and what the command reads; nothing else."""
    classes = {each for module in _settings_modules() for each in _settings_in(module)}
    assert len(classes) > len(SERVICES)
    fields = {f"{PREFIX}{field.upper()}" for each in classes for field in each.model_fields}
    assert not fields & READ_ELSEWHERE
    assert fields | READ_ELSEWHERE == SETTING_NAMES


def test_what_is_kept_names_no_machine_and_no_registry() -> None:
    """No tracked file names a folder of the machine that it was written on, or the host of a package registry."""
    hosts = [re.escape(host.replace(" ", ".")) for host in REGISTRIES]
    private = re.compile("|".join([r"(?<![\w.])/" + "work/", *hosts]))
    files = _tracked()
    assert len(files) > 100
    found = [
        f"{file}:{number}: {line.strip()}"
        for file in files
        for number, line in enumerate(_text(ROOT / file).splitlines(), start=1)
        if private.search(line)
    ]
    assert found == []


def _packages_on_disk() -> Iterator[str]:
    for folder in ROOT.iterdir():
        if folder.is_dir() and folder.name not in NOT_INSTALLED and folder.name.isidentifier():
            yield from _packages_in(folder, ROOT)
    protos = ROOT / "protos"
    for folder in protos.iterdir():
        if folder.is_dir():
            yield from _packages_in(folder, protos)
    clients = ROOT / "clients" / "python"
    yield from _packages_in(clients / "lensfeed_client", clients)


def _packages_in(folder: Path, root: Path) -> Iterator[str]:
    """Return the packages of a folder: whatever has Python directly in it, or will have it once generated."""
    folders = {file.parent for pattern in ("*.py", "*.proto") for file in folder.rglob(pattern)}
    return (".".join(each.relative_to(root).parts) for each in folders)


def _settings_modules() -> Iterator[str]:
    """Return the modules that define a settings class."""
    for room in ROOMS:
        for file in modules_of(room):
            if any(isinstance(node, ast.ClassDef) and _is_settings(node) for node in ast.parse(file.read_text()).body):
                yield ".".join(file.relative_to(ROOT).with_suffix("").parts)


def _is_settings(node: ast.ClassDef) -> bool:
    return any(ast.unparse(base).endswith("Settings") for base in node.bases)


def _settings_in(module: str) -> Iterator[type[Settings]]:
    for value in vars(importlib.import_module(module)).values():
        if isinstance(value, type) and issubclass(value, Settings):
            yield value


def _tracked() -> list[Path]:
    git = shutil.which("git")
    if git is None or not (ROOT / ".git").exists():
        pytest.skip("this is no checkout: nothing tells what is tracked")
    listed = subprocess.run([git, "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True).stdout.decode()
    return [Path(name) for name in listed.split("\0") if name and (ROOT / name).is_file()]


def _text(file: Path) -> str:
    return file.read_text(errors="replace")
