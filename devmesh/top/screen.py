"""Draws the tables of `lensfeed top`."""

from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.table import Table as Drawn
from rich.text import Text

from devmesh.top.tables import Table

# The columns that hold words; the others hold figures.
WORDS = frozenset({"", "part", "state", "method", "stream", "group", "queue", "store", "of", "statement"})


def draw(tables: Sequence[Table], seconds: float) -> Group:
    """Return all tables, one below the other. `seconds` is how long their rates were measured."""
    parts: list[RenderableType] = [Text(f"rates and percentiles of the last {seconds:.0f} s", "dim")]
    for table in tables:
        parts += [Text(), Text(table.title, "bold"), _drawn(table)]
    return Group(*parts)


def _drawn(table: Table) -> Drawn:
    drawn = Drawn(box=None, pad_edge=False, padding=(0, 2, 0, 0), show_header=any(table.columns), header_style="dim")
    for column in table.columns:
        drawn.add_column(column, justify="left" if column in WORDS else "right", no_wrap=True)
    for at, row in enumerate(table.rows):
        drawn.add_row(*row, style="red" if at in table.alarms else "")
    return drawn
