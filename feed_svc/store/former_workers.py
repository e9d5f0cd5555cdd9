"""Keeps a serving process from starting while a worker of the version before runs.

Such a worker changes only timelines that are sorted sets: a list that is already live would lack its posts, for good. Workers
therefore have other names in their consumer groups than before. To be removed with the next version.
"""

import asyncio
from collections.abc import Sequence
from typing import Any

import structlog
from redis.asyncio import Redis
from redis.exceptions import RedisError, ResponseError

# A running worker asks each of its streams for events at least this often. Most do each second.
SILENT_MS = 10_000
POLL_SECONDS = 0.5
# Longer than a worker may take to stop.
PATIENCE_SECONDS = 60.0
_SUFFIX = "+lists"
_log = structlog.get_logger()


class FormerWorkersError(Exception):
    """Workers of the version before are running."""

    def __init__(self, names: Sequence[str]) -> None:
        super().__init__(f"stop the workers of the version before first: {', '.join(names)}")


def name_of(member: str) -> str:
    """Return the name of a worker of this version in its consumer groups."""
    return member + _SUFFIX


async def wait_for_former_workers(
    redis: "Redis", group: str, streams: Sequence[str], patience_seconds: float = PATIENCE_SECONDS
) -> None:
    """Wait until no worker of the version before runs. Raises FormerWorkersError if one is still there after a minute.

    Returns at once if Redis is down: nobody handles events then.
    """
    names: Sequence[str] = ()
    try:
        async with asyncio.timeout(patience_seconds):
            while names := await _running(redis, group, streams):
                _log.warning("former_workers_running", workers=names)
                await asyncio.sleep(POLL_SECONDS)
    except RedisError as error:
        _log.warning("former_workers_unknown", error=repr(error))
    except TimeoutError:
        raise FormerWorkersError(names) from None


async def _running(redis: "Redis", group: str, streams: Sequence[str]) -> list[str]:
    """Return the names of former workers that asked for events a moment ago."""
    found: set[str] = set()
    for stream in streams:
        for each in await _consumers(redis, group, stream):
            name = each["name"].decode()
            if not name.endswith(_SUFFIX) and each["idle"] < SILENT_MS:
                found.add(name)
    return sorted(found)


async def _consumers(redis: "Redis", group: str, stream: str) -> Any:
    try:
        return await redis.xinfo_consumers(stream, group)
    except ResponseError:
        return []  # no stream or no group yet
