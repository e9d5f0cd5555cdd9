"""Times as people read them."""

from datetime import datetime

_MINUTE, _HOUR, _DAY, _MONTH, _YEAR = 60, 3_600, 86_400, 2_592_000, 31_536_000
_STEPS = ((_YEAR, "year"), (_MONTH, "month"), (_DAY, "day"), (_HOUR, "hour"), (_MINUTE, "minute"))


def local_and_relative(when: datetime, now: datetime) -> str:
    """Return the local time and how long ago it was: `2026-11-23 14:05 (3 minutes ago)`."""
    local = when.astimezone()
    return f"{local:%Y-%m-%d %H:%M} ({ago(when, now)})"


def ago(when: datetime, now: datetime) -> str:
    """Return how long ago something was, in its largest unit. Times in the future become `just now`."""
    seconds = (now - when).total_seconds()
    for length, unit in _STEPS:
        if count := int(seconds // length) if seconds > 0 else 0:
            return f"{count} {unit}{'' if count == 1 else 's'} ago"
    return "just now"
