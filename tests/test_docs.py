"""The documentation against the code that it describes."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from docs.generate.pages import PAGES as GENERATED
from docs.generate.settings_classes import defaults
from meshkit.setting_names import SETTING_NAMES
from tests.architecture.source import PACKAGES

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parent.parent
PAGES_WITH_NAMES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])


def rows(page: Path) -> Iterator[tuple[str, str]]:
    """Return each setting in a page's tables with its default; a row may name several, separated by commas."""
    for line in page.read_text().splitlines():
        if line.startswith("| `LENSFEED_"):
            names, written, _ = (cell.strip() for cell in line.strip("|").split(" | ", 2))
            several = [name.strip(" `") for name in names.split(",")]
            # JSON has commas of its own.
            yield from zip(several, [written] if len(several) == 1 else written.split(", "), strict=True)


@pytest.mark.parametrize(("page", "write"), GENERATED.items(), ids=lambda each: getattr(each, "stem", ""))
def test_generated_pages_are_up_to_date(page: Path, write: Callable[[], str]) -> None:
    """The reference pages are what the code and the contracts say now; `make reference` writes them."""
    assert page.read_text() == write()


def test_the_page_of_settings_has_each_setting_once() -> None:
    """docs/settings.md has one row for each setting that some process reads."""
    assert [name for name, _ in rows(ROOT / "docs" / "settings.md")] == sorted(SETTING_NAMES)


def test_the_settings_of_the_readme_have_their_defaults() -> None:
    """The README shows the same defaults as the code."""
    found = dict(rows(ROOT / "README.md"))
    assert len(found) > 10
    assert found == {name: " or ".join(sorted(defaults()[name])) for name in found}


def test_the_page_on_architecture_shows_every_room() -> None:
    """The tree in docs/architecture.md has each package, and below it each of its rooms, and nothing else."""
    tree = (ROOT / "docs" / "architecture.md").read_text().split("```")[1]
    entries = re.findall(r"^((?:[├└]─ )?)([a-z0-9_]+)/(?= |$)", tree, re.MULTILINE)
    shown: dict[str, list[str]] = {}
    package = ""
    for branch, name in entries:
        package = package if branch else name
        shown.setdefault(package, []).extend([name] if branch else [])
    assert {name: sorted(rooms) for name, rooms in shown.items() if name in PACKAGES} == {
        name: sorted(file.parent.name for file in (ROOT / name).glob("*/__init__.py")) for name in PACKAGES
    }


@pytest.mark.parametrize("page", PAGES_WITH_NAMES, ids=lambda page: str(page.relative_to(ROOT)))
def test_references_in_pages_exist(page: Path) -> None:
    """Links, files, folders, settings and make targets that pages mention exist."""
    text = page.read_text()
    links = [link for link in re.findall(r"\]\(([^)#]+)", text) if not re.match(r"https?:", link)]
    assert [link for link in links if not (page.parent / link).exists()] == []
    rooms = r"(?:bench|clients|devmesh|docs|edge_proxy|meshkit|protos|tests|\w+_svc)"
    files = re.findall(rf"`({rooms}/[\w/.-]*)`", text)
    assert [file for file in files if not (ROOT / file).exists()] == []
    assert set(re.findall(r"\bLENSFEED_[A-Z0-9_]*[A-Z0-9]\b(?!_)", text)) - SETTING_NAMES == set()
    targets = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert set(re.findall(r"`make ([a-z-]+)", text)) <= set(targets)
