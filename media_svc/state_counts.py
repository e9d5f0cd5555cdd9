"""Counts the states that media enter."""

from media_svc.model import Media
from meshkit.telemetry.catalog import MEDIA_STATES

_states = MEDIA_STATES.create()


def count_state(media: Media, *, is_written: bool) -> bool:
    """Count the state of a medium that a store has just written, if it has. Returns whether it has."""
    if is_written:
        reason = media.failure.reason if media.failure else ""
        _states.add(1, {"kind": str(media.kind), "state": str(media.state), "reason": str(reason)})
    return is_written
