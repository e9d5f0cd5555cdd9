"""How pytest-xdist shares the tests among processes."""

from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling

from tests.scheduling import unit_of


class UnitScheduling(LoadScopeScheduling):  # type: ignore[misc]  # xdist has no types
    """Gives each process a unit at a time, in the order of the tests."""

    def __init__(self, config: pytest.Config, log: Any = None) -> None:
        config.option.loadscopereorder = False
        super().__init__(config, log)

    def _split_scope(self, nodeid: str) -> str:
        return unit_of(nodeid)
