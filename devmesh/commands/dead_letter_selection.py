"""Which dead letters a command is meant for."""

from dataclasses import dataclass

STREAMS = ("post", "follow", "media", "user", "fan_out")
"""The streams of a mesh, by their names."""


@dataclass(frozen=True, slots=True)
class Selection:
    """In which streams; the ids, or None for all letters."""

    streams: tuple[str, ...]
    ids: tuple[str, ...] | None
