"""What lensfeed requires, by setup.cfg, and what the locks pin."""

import re
from collections.abc import Iterator, Sequence
from configparser import ConfigParser
from hashlib import sha256
from pathlib import Path

ROOT = Path(__file__).parents[1]
RUN = ROOT / "requirements" / "run.txt"
"""What a whole mesh runs on. `tools.roles` takes the part that one image needs."""
DEV = ROOT / "requirements" / "dev.txt"
"""The same and what builds, checks and tests need: for `make install`, and so for CI."""
_PIN = re.compile(r"^([a-z0-9][a-z0-9._-]*)(?:\[[^]]*\])?==", re.MULTILINE)
_OWN_EXTRA = re.compile(r"lensfeed\[([a-z]+)\]")


def version() -> str:
    """Return the version of lensfeed, which setup.cfg alone says."""
    return _config()["metadata"]["version"]


def required(extra: str | None = None) -> list[str]:
    """Return the requirements of the distribution, or those that an extra adds."""
    config = _config()
    text = config["options.extras_require"][extra] if extra else config["options"]["install_requires"]
    return [line for each in text.splitlines() if each for line in _expanded(each)]


def run_requirements() -> list[str]:
    """Return what a whole mesh on one machine requires."""
    return [*required(), *required("mesh")]


def dev_requirements() -> list[str]:
    """Return the same and what builds, checks and tests need."""
    return [*run_requirements(), *required("dev")]


def digest(requirements: Sequence[str]) -> str:
    """Return what changes with the requirements, whatever their order."""
    return sha256("\n".join(sorted(requirements)).encode()).hexdigest()[:16]


def pinned(lock: Path) -> set[str]:
    """Return the names that a lock pins, for any Python and platform."""
    return set(_PIN.findall(lock.read_text()))


def _config() -> ConfigParser:
    config = ConfigParser()
    config.read(ROOT / "setup.cfg")
    return config


def _expanded(requirement: str) -> Iterator[str]:
    """Replace an extra of our own by what it adds."""
    own = _OWN_EXTRA.fullmatch(requirement)
    yield from required(own[1]) if own else (requirement,)
