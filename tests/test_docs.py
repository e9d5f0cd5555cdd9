"""The documentation against what it speaks of."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from meshkit.setting_names import SETTING_NAMES
from tests.settings_classes import defaults

ROOT = Path(__file__).parent.parent
PAGES = sorted([ROOT / "README.md", ROOT / "CHANGELOG.md", *(ROOT / "docs").rglob("*.md")])
DEFAULTS = defaults()
# Read by no settings class: the command reads them, and none has a default.
DEFAULTS |= {name: {"none"} for name in ("LENSFEED_URL", "LENSFEED_VALKEY_BINARY", "LENSFEED_WEED_BINARY")}


def rows(page: Path) -> Iterator[tuple[str, str]]:
    """Return each setting in a page's tables with its default; a row may tell of several, separated by commas."""
    for line in page.read_text().splitlines():
        if line.startswith("| `LENSFEED_"):
            names, written, _ = (cell.strip() for cell in line.strip("|").split(" | ", 2))
            several = [name.strip(" `") for name in names.split(",")]
            # JSON has commas of its own.
            yield from zip(several, [written] if len(several) == 1 else written.split(", "), strict=True)


def default_of(name: str) -> str:
    """Return a setting's default as the tables write it."""
    return " or ".join(sorted(DEFAULTS[name]))


def test_the_page_of_settings_has_each_setting_once_with_its_default() -> None:
    """docs/settings.md has a row for each setting that some part reads, and says its default as the code has it."""
    found = list(rows(ROOT / "docs" / "settings.md"))
    assert sorted(name for name, _ in found) == sorted(SETTING_NAMES)
    assert dict(found) == {name: default_of(name) for name in SETTING_NAMES}


def test_the_settings_of_the_readme_have_their_defaults() -> None:
    """What the README tells of the important ones is as true as the page."""
    found = dict(rows(ROOT / "README.md"))
    assert len(found) > 10
    assert found == {name: default_of(name) for name in found}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_what_a_page_names_is_there(page: Path) -> None:
    """Links to files of the repository, files and folders in backticks, settings and make targets exist."""
    text = page.read_text()
    links = [link for link in re.findall(r"\]\(([^)#]+)", text) if not re.match(r"https?:", link)]
    assert [link for link in links if not (page.parent / link).exists()] == []
    rooms = r"(?:devmesh|docs|edge_proxy|meshkit|protos|tests|\w+_svc)"
    files = re.findall(rf"`({rooms}/[\w/.-]*)`", text)
    assert [file for file in files if not (ROOT / file).exists()] == []
    assert set(re.findall(r"\bLENSFEED_[A-Z0-9_]*[A-Z0-9]\b(?!_)", text)) - SETTING_NAMES == set()
    targets = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert set(re.findall(r"`make ([a-z-]+)", text)) <= set(targets)
