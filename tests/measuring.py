"""What coverage is measured of, if it is measured.

Tracing costs a process about half of its speed, so that whole meshes would take minutes longer to test. Coverage is therefore
measured in the processes of the tests, and there of all tests but those on a mesh. COVERAGE_OF=all measures every test and every
process that one starts.
"""

import os
from collections.abc import Iterator

import coverage
import pytest

# Both set by coverage's `patch = subprocess`; each Python process that finds them measures itself.
_STARTERS = ("COVERAGE_PROCESS_CONFIG", "COVERAGE_PROCESS_START")


class Coverage:
    """Pauses the measurement of this process during tests that only wait for others."""

    def __init__(self) -> None:
        self._measured = None if os.environ.get("COVERAGE_OF") == "all" else coverage.Coverage.current()
        if self._measured is not None and "PYTEST_XDIST_WORKER" in os.environ:
            for name in _STARTERS:
                os.environ.pop(name, None)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[None]:
        """Measure one test, with the fixtures that begin and end with it, or not."""
        measured = self._measured
        is_paused = measured is not None and item.get_closest_marker("mesh") is not None
        if is_paused and measured is not None:
            measured.stop()
        try:
            return (yield)
        finally:
            if is_paused and measured is not None:
                measured.start()
