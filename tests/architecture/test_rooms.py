"""Folders are small, described, and without cycles between the rooms of a package."""

import ast
from collections import Counter
from collections.abc import Iterator, Mapping
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

from tests.architecture.source import PACKAGES, ROOT, imports_of, modules_of

MOST_FILES = 24
"""Folders with more files must be divided into rooms."""

# Which other rooms of its package a room may import. Files on top of a package are shared by its rooms; its composition root
# and its entry points import them all. A room that is not here fails.
MAY_IMPORT: Mapping[str, Mapping[str, frozenset[str]]] = {
    "devmesh": {
        "commands": frozenset({"logs", "parts", "sample", "secrets", "supervise", "top"}),
        "logs": frozenset(),
        "parts": frozenset({"supervise"}),
        "sample": frozenset(),
        "secrets": frozenset({"supervise"}),
        "supervise": frozenset(),
        "top": frozenset(),
    },
    "edge_proxy": {
        "answers": frozenset({"limits", "settings"}),
        "envoy": frozenset({"answers", "limits", "settings"}),
        "limits": frozenset({"settings"}),
        "settings": frozenset(),
    },
    "feed_svc": {
        "celebrities": frozenset({"fan_out", "store"}),
        "drift": frozenset({"celebrities", "reading", "store"}),
        "fan_out": frozenset({"store"}),
        "presenting": frozenset({"reading", "store"}),
        "reading": frozenset({"celebrities", "fan_out", "store"}),
        "store": frozenset(),
    },
    "follow_svc": {
        "blocks": frozenset({"store"}),
        "lists": frozenset({"store"}),
        "privacy": frozenset({"store"}),
        "store": frozenset(),
    },
    "media_svc": {
        "delivery": frozenset({"store"}),
        "jobs": frozenset(),
        "photos": frozenset({"delivery", "sandbox", "store"}),
        "s3": frozenset({"uploads"}),
        "confinement": frozenset(),
        "sandbox": frozenset({"confinement"}),
        "store": frozenset(),
        "uploads": frozenset({"delivery", "store"}),
        "videos": frozenset({"confinement", "delivery", "photos", "sandbox", "store"}),
    },
    "meshkit": {
        "cassandra": frozenset({"events", "telemetry"}),
        "events": frozenset({"grpc", "redis", "tasks", "telemetry"}),
        "grpc": frozenset({"identity", "tasks", "telemetry"}),
        "idempotency": frozenset({"cassandra"}),
        "identity": frozenset(),
        "redis": frozenset({"telemetry"}),
        "sight": frozenset({"grpc", "telemetry"}),
        "tasks": frozenset(),
        "telemetry": frozenset(),
    },
    "post_svc": {"store": frozenset()},
    "user_svc": {
        "accounts": frozenset({"store"}),
        "sessions": frozenset({"accounts", "store"}),
        "store": frozenset(),
    },
}


def rooms_of(package: Path) -> set[str]:
    """Return the names of a package's rooms: its folders with Python files."""
    return {file.relative_to(package).parts[0] for file in package.rglob("*.py") if file.parent != package}


def crossings(package: str, root: Path = ROOT) -> Iterator[tuple[str, str, str]]:
    """Yield (room, other room, `file: import`) for each import from one room of a package into another."""
    rooms = rooms_of(root / package)
    for file in sorted((root / package).rglob("*.py")):
        room = file.relative_to(root / package).parts[0]
        for name in sorted(imports_of(file, root)):
            parts = name.split(".")
            if room in rooms and parts[0] == package and len(parts) > 1 and parts[1] in rooms - {room}:
                yield room, parts[1], f"{file.relative_to(root)}: {name}"


def forbidden_crossings(package: str, root: Path = ROOT) -> list[str]:
    """Return `file: import` for each import between rooms that MAY_IMPORT does not list."""
    allowed = MAY_IMPORT[package]
    return [text for room, other, text in crossings(package, root) if other not in allowed.get(room, frozenset())]


def full_folders(root: Path) -> dict[str, int]:
    """Return the folders with more than MOST_FILES Python files directly in them, and how many they have."""
    hidden = {"build", "dist", "protos", "node_modules"}
    counts = Counter(
        str(file.parent.relative_to(root))
        for file in root.rglob("*.py")
        if not any(part.startswith(".") or part in hidden for part in file.relative_to(root).parts)
    )
    return {folder: count for folder, count in sorted(counts.items()) if count > MOST_FILES}


@pytest.mark.parametrize("package", PACKAGES)
def test_rooms_import_only_what_they_may(package: str) -> None:
    """No room of a package imports another one that is not listed for it."""
    assert rooms_of(ROOT / package) == set(MAY_IMPORT[package]), "each room is listed"
    assert forbidden_crossings(package) == []


@pytest.mark.parametrize("package", PACKAGES)
def test_every_listed_import_between_rooms_is_needed(package: str) -> None:
    """Each listed import between rooms is used, and the rooms form no cycle."""
    used = {(room, other) for room, other, _ in crossings(package)}
    assert used == {(room, other) for room, others in MAY_IMPORT[package].items() for other in others}
    TopologicalSorter(MAY_IMPORT[package]).prepare()  # raises CycleError


@pytest.mark.parametrize("package", PACKAGES)
def test_every_room_has_a_docstring(package: str) -> None:
    """The `__init__.py` of each package and room begins with a docstring."""
    inits = [file for file in modules_of(package) if file.name == "__init__.py"]
    assert {file.parent for file in modules_of(package)} == {file.parent for file in inits}
    assert [str(file) for file in inits if not ast.get_docstring(ast.parse(file.read_text()))] == []


def test_no_folder_is_too_full() -> None:
    """No folder has more Python files than a person can keep in mind."""
    assert full_folders(ROOT) == {}


def test_a_forbidden_import_and_a_full_folder_are_found(tmp_path: Path) -> None:
    """An import that is not listed and a twenty-fifth file are reported."""
    sandbox = tmp_path / "media_svc" / "sandbox"
    sandbox.mkdir(parents=True)
    (sandbox / "decode.py").write_text("from media_svc.store import port\nfrom media_svc.model import Media\n")
    (tmp_path / "media_svc" / "store").mkdir()
    (tmp_path / "media_svc" / "store" / "port.py").touch()
    assert forbidden_crossings("media_svc", tmp_path) == ["media_svc/sandbox/decode.py: media_svc.store.port"]
    for number in range(MOST_FILES - 1):
        (sandbox / f"more_{number}.py").touch()
    assert full_folders(tmp_path) == {}
    (sandbox / "one_too_many.py").touch()
    assert full_folders(tmp_path) == {"media_svc/sandbox": MOST_FILES + 1}
