"""What fits on a terminal."""

import pytest
from rich.console import Console

from devmesh.top.screen import draw, fitted
from devmesh.top.tables import Table

PROCESSES = Table("processes", ("part", "cpu"), [(f"part-{number}", "1 %") for number in range(8)])
METHODS = Table("methods", ("method", "calls/s"), [(f"method-{number}", "1") for number in range(8)], is_ranked=True)
STATEMENTS = Table("statements", ("statement", "mean"), [(f"do-{number}", "1") for number in range(6)], is_ranked=True)


@pytest.mark.parametrize("height", [40, 29, 25, 20, 15])
def test_a_low_terminal_shows_the_first_rows_of_each_ranking(height: int) -> None:
    """Rankings lose their last rows, the longest first, until all tables fit; other tables stay whole."""
    tables = fitted([PROCESSES, METHODS, STATEMENTS], height)
    console = Console(width=80)
    with console.capture() as capture:
        console.print(draw(tables, 1, is_dense=True))
    lines = capture.get().splitlines()
    assert len(lines) == min(max(height, 17), 29)
    assert {"processes", "methods", "statements", "part-7"} <= {line.split()[0] for line in lines if line.strip()}
    assert abs(len(tables[1].rows) - len(tables[2].rows)) <= 2
