"""Reads from source files what they import."""

import ast
from pathlib import Path

from tools.requirements import ROOT

SERVICES = ("feed_svc", "follow_svc", "media_svc", "post_svc", "user_svc")
PACKAGES = ("devmesh", "edge_proxy", "meshkit", *SERVICES)
OWN = (*PACKAGES, "lensfeed_client")
"""The packages of hand-written code."""
_CLIENT = ROOT / "clients" / "python"


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


def is_in(name: str, packages: tuple[str, ...]) -> bool:
    """Tell whether a full name is in one of the packages."""
    return any(f"{name}.".startswith(f"{package}.") for package in packages)


def reached_from(package: str) -> set[str]:
    """Return everything that a package imports, itself or through other code of ours."""
    unread, read, found = list((_root_of(package) / package).rglob("*.py")), set[Path](), set[str]()
    while unread:
        file = unread.pop()
        if file not in read:
            read.add(file)
            names = imports_of(file, _root_of(file.relative_to(ROOT).parts[0]))
            found |= names
            unread += [each for name in names if is_in(name, OWN) for each in _files_of(name)]
    return found


def _files_of(name: str) -> list[Path]:
    """Return the files that Python runs when it imports a name: its module and the packages around it."""
    parts = name.split(".")
    modules = [_root_of(parts[0]).joinpath(*parts[:end]) for end in range(1, len(parts) + 1)]
    files = [file for each in modules for file in (each / "__init__.py", each.with_suffix(".py"))]
    return [file for file in files if file.exists()]


def _root_of(package: str) -> Path:
    return _CLIENT if package in {"lensfeed_client", "clients"} else ROOT
