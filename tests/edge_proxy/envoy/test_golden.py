"""The golden files of Envoy's configuration."""

import pytest

from tests.edge_proxy.envoy.golden_config import CASES, FOLDER, rendered


@pytest.mark.parametrize("name", CASES)
def test_the_golden_files_are_up_to_date(name: str) -> None:
    """golden/ matches the rendered configuration. `python -m tests.edge_proxy.envoy.golden_config` updates it."""
    assert rendered(CASES[name]) == (FOLDER / f"{name}.yaml").read_text()
