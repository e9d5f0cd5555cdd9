"""Write times: what makes writes that pass each other come out the same in any order.

Whatever an id tells of is written with the time of the id, and deleted with `write_time(id) + 1`.
"""

from meshkit.ids import id_millis


def write_time(moment: int) -> int:
    """Return the time of an id as Cassandra takes it: in microseconds since 1970."""
    return id_millis(moment) * 1000
