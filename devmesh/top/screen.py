"""Draws the tables of `lensfeed top`."""

from collections.abc import Sequence
from dataclasses import replace

from rich.console import Group, RenderableType
from rich.table import Table as Drawn
from rich.text import Text

from devmesh.top.tables import Table

# The columns that hold words; the others hold figures.
WORDS = frozenset({"", "part", "state", "method", "stream", "group", "queue", "store", "of", "statement"})


def draw(tables: Sequence[Table], seconds: float, *, is_dense: bool = False) -> Group:
    """Return all tables, one below the other. `seconds` is how long their rates were measured.

    If the drawing is dense, there are no empty lines between tables.
    """
    parts: list[RenderableType] = [Text(f"rates and percentiles of the last {seconds:.0f} s", "dim")]
    for table in tables:
        parts += [*([] if is_dense else [Text()]), Text(table.title, "bold"), _drawn(table)]
    return Group(*parts)


def fitted(tables: Sequence[Table], height: int) -> list[Table]:
    """Return the tables with as many rows as a dense drawing of some lines can show.

    Rows are taken from the end of the longest table that lists its most important ones first, down to one row each.
    """
    found = list(tables)
    while _height(found) > height:
        longest = max(range(len(found)), key=lambda at: len(found[at].rows) if found[at].is_ranked else 0)
        if not found[longest].is_ranked or len(found[longest].rows) == 1:
            break
        found[longest] = replace(found[longest], rows=found[longest].rows[:-1])
    return found


def _height(tables: Sequence[Table]) -> int:
    # The first line; of each table the title, and its names of columns if it has any.
    return 1 + sum(1 + any(table.columns) + len(table.rows) for table in tables)


def _drawn(table: Table) -> Drawn:
    drawn = Drawn(box=None, pad_edge=False, padding=(0, 2, 0, 0), show_header=any(table.columns), header_style="dim")
    for column in table.columns:
        drawn.add_column(column, justify="left" if column in WORDS else "right", no_wrap=True)
    for at, row in enumerate(table.rows):
        drawn.add_row(*row, style="red" if at in table.alarms else "")
    return drawn
