"""Reads the project's source for tests of its structure."""

from collections.abc import Iterable, Iterator
from pathlib import Path

from tools.imports import PACKAGES, SERVICES, imports_of, is_in
from tools.requirements import ROOT

__all__ = ["PACKAGES", "ROOT", "SERVICES", "imports_of", "is_in", "modules_of", "offences"]


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
