"""Write times that make overtaking writes come out the same in any order.

Rows are written with the time of the id they belong to, and deleted with `write_time(id) + 1`.
"""

from meshkit.ids import id_millis


def write_time(moment: int) -> int:
    """Return the write time of an id, in microseconds since 1970."""
    return id_millis(moment) * 1000
