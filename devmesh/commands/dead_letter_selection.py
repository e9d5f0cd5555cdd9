"""The dead letters that a command applies to."""

from dataclasses import dataclass

STREAMS = ("post", "follow", "media", "user", "fan_out")
"""The names of all event streams."""


@dataclass(frozen=True, slots=True)
class Selection:
    """Streams, and ids of letters or None for all letters."""

    streams: tuple[str, ...]
    ids: tuple[str, ...] | None
