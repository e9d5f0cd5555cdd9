"""What Envoy is told, as files that a review sees."""

import pytest

from tests.edge_proxy.envoy.golden_config import CASES, FOLDER, rendered


@pytest.mark.parametrize("name", CASES)
def test_a_change_of_the_configuration_is_seen(name: str) -> None:
    """The files in golden/ are what is rendered now; `python -m tests.edge_proxy.envoy.golden_config` writes them anew."""
    assert rendered(CASES[name]) == (FOLDER / f"{name}.yaml").read_text()
