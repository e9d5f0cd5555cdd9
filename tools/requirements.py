"""What lensfeed requires, by setup.cfg, and what the locks pin."""

import re
from collections.abc import Sequence
from configparser import ConfigParser
from hashlib import sha256
from pathlib import Path

ROOT = Path(__file__).parents[1]
RUN = ROOT / "requirements" / "run.txt"
"""What services and the command run on: for images, and for `make pythons`."""
DEV = ROOT / "requirements" / "dev.txt"
"""The same and what builds, checks and tests need: for `make install`, and so for CI."""
_PIN = re.compile(r"^([a-z0-9][a-z0-9._-]*)(?:\[[^]]*\])?==", re.MULTILINE)


def required(extra: str | None = None) -> list[str]:
    """Return the requirements of the distribution, or those that an extra adds."""
    config = ConfigParser()
    config.read(ROOT / "setup.cfg")
    text = config["options.extras_require"][extra] if extra else config["options"]["install_requires"]
    return [line for line in text.splitlines() if line]


def digest(requirements: Sequence[str]) -> str:
    """Return what changes with the requirements, whatever their order."""
    return sha256("\n".join(sorted(requirements)).encode()).hexdigest()[:16]


def pinned(lock: Path) -> set[str]:
    """Return the names that a lock pins, for any Python and platform."""
    return set(_PIN.findall(lock.read_text()))
