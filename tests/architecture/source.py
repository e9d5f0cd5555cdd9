"""Reads the project's source for tests of its structure."""

import ast
from collections.abc import Iterable, Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
SERVICES = ("feed_svc", "follow_svc", "media_svc", "post_svc", "user_svc")
PACKAGES = ("devmesh", "edge_proxy", "meshkit", *SERVICES)


def imports_of(file: Path, root: Path = ROOT) -> set[str]:
    """Return the full names of what a file imports, anywhere in it; `from a import b` counts as `a.b`."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            package = file.relative_to(root).parts[: -node.level] if node.level else ()
            module = ".".join((*package, *filter(None, [node.module])))
            found.update(f"{module}.{alias.name}" for alias in node.names)
    return found


def modules_of(package: str, root: Path = ROOT) -> Iterator[Path]:
    """Return a package's source files."""
    yield from sorted((root / package).rglob("*.py"))


def offences(files: Iterable[Path], *, forbidden: tuple[str, ...], root: Path = ROOT) -> list[str]:
    """Return `file: import` for each forbidden import."""
    return [
        f"{file.relative_to(root)}: {name}"
        for file in files
        for name in sorted(imports_of(file, root))
        if is_in(name, forbidden)
    ]


def is_in(name: str, packages: tuple[str, ...]) -> bool:
    """Tell whether a full name is in one of the packages."""
    return any(f"{name}.".startswith(f"{package}.") for package in packages)
