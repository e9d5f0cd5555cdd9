"""Named places where a process can be made to die, to test what survives.

`LENSFEED_CRASHPOINT=event.handled:20` kills a process with SIGKILL when it reaches the place for the 20th time, and again after
each restart. Without the setting a place costs one comparison.
"""

import itertools
import os
import signal
from collections.abc import Iterator

CRASH_POINTS = {
    "outbox.committed": "a change and its event are stored; the event is not in its stream",
    "outbox.sent": "an event was added to its stream",
    "outbox.swept": "the sweeper added an event that was missing",
    "event.taken": "a worker was given an event and has done nothing with it",
    "event.handled": "a worker has handled an event and not acknowledged it",
    "fan_out.pushed": "some followers' timelines have changed; the rest is not queued",
    "fan_out.queued": "the rest of the followers is queued",
    "unfollow.noted": "a recent unfollow is noted; the entries are still in the timeline",
    "delete.hidden": "a deleted post has lost its card; its entries are still in timelines",
}
_armed: dict[str, Iterator[int]] = {}


def arm(setting: str) -> None:
    """Make this process die at a place: `name:n`, or nowhere if empty. Raises ValueError."""
    _armed.clear()
    if setting:
        name, count = parse(setting)
        _armed[name] = itertools.count(count - 1, -1)


def crash_point(name: str) -> None:
    """Kill this process if it is set to die here, and now is the time."""
    if _armed and name in _armed and next(_armed[name]) == 0:
        os.kill(os.getpid(), signal.SIGKILL)


def parse(setting: str) -> tuple[str, int]:
    """Return the name and the count of a setting. Raises ValueError."""
    name, _, count = setting.partition(":")
    if name not in CRASH_POINTS:
        raise ValueError(f"there is no crash point {name!r}, only {', '.join(CRASH_POINTS)}")
    if not count.isascii() or not count.isdigit() or int(count) < 1:
        raise ValueError("write name:n, where n is 1 or more")
    return name, int(count)
