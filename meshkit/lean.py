"""Lets processes load less, and faster. Imported first by each of them.

Libraries import optional packages if they are installed: structlog imports rich (for tracebacks that we do not print),
redis the OpenTelemetry SDK, aiobotocore httpx. The command line needs these packages, so they are installed. Without them, a
process starts a fifth faster and takes 6 to 12 MB less.

While modules are imported, the garbage collector is off. It would look at all of them again and again, which takes a sixth of the
CPU time of a start and finds next to nothing.
"""

import gc
import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType

from meshkit.telemetry.switches import is_enabled

UNUSED = ("rich", "httpx", "httpx2")
UNUSED_WITHOUT_TELEMETRY = ("opentelemetry.sdk",)


class LeaveOut(MetaPathFinder):
    """Makes packages look as if they were not installed."""

    def __init__(self, packages: Sequence[str]) -> None:
        self._packages = packages

    def find_spec(self, name: str, _path: Sequence[str] | None, _target: ModuleType | None = None) -> ModuleSpec | None:
        """Raise ModuleNotFoundError for the packages; leave others to the next finder."""
        if name in self._packages:
            raise ModuleNotFoundError(f"{name} is left out (meshkit.lean)", name=name)
        return None


def end_imports() -> None:
    """Collect garbage from here on, without looking at what has been imported, which lives as long as the process."""
    gc.freeze()
    gc.enable()


gc.disable()
sys.meta_path.insert(0, LeaveOut(UNUSED if is_enabled() else (*UNUSED, *UNUSED_WITHOUT_TELEMETRY)))
