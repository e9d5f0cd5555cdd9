"""Fan-out by Stream-Framework 1.4, run in its own environment.

`stream_framework_fan_out.py PORT FOLLOWERS LENGTH` fills the feeds of all followers with LENGTH entries each, in the Redis
at PORT, whose password is REDIS_PASSWORD of the environment. For each line of input it then fans a post out to all of them
and prints the pushes per second.

This is the body of `Manager.fanout`, whose module cannot be imported since Python 3.7. The setup favours it: one batch
instead of tasks of a hundred followers, no task queue, no trimming, known followers, and the default encoding of sorted
sets (the compact one, as in home timelines, makes its writes several times slower).
"""

import datetime as dt
import os
import sys
import time
import warnings
from typing import Any

# It causes deprecation warnings.
warnings.filterwarnings("ignore")

import redis  # noqa: E402 - after the filter
import stream_framework.default_settings as defaults  # noqa: E402 - after the filter

PORT, FOLLOWERS, LENGTH = map(int, sys.argv[1:])
PASSWORD = os.environ.get("REDIS_PASSWORD")
CONFIG = {"default": {"host": "127.0.0.1", "port": PORT, "db": 0, "password": PASSWORD}}
defaults.STREAM_REDIS_CONFIG = CONFIG

from stream_framework import settings  # noqa: E402 - after its defaults

settings.STREAM_REDIS_CONFIG = CONFIG

from stream_framework.activity import Activity  # noqa: E402 - after its settings
from stream_framework.feeds.redis import RedisFeed  # noqa: E402 - after its settings
from stream_framework.verbs.base import Add  # noqa: E402 - after its settings

LIMIT, DEFAULT_LIMIT = "zset-max-listpack-entries", 128
START = dt.datetime(2026, 1, 1)  # noqa: DTZ001 - it wants times without a zone


class Feed(RedisFeed):  # type: ignore[misc]  # it has no types
    """A home feed."""

    key_format = "feed:%(user_id)s"
    max_length = LENGTH


def activity(number: int) -> Activity:
    """Create a post."""
    return Activity(1, Add, number, 0, time=START + dt.timedelta(seconds=number), extra_context={})


def fill() -> None:
    """Fill one feed and copy it to the others."""
    client: Any = redis.StrictRedis(port=PORT, password=PASSWORD)
    limit = client.config_get(LIMIT)[LIMIT]
    client.config_set(LIMIT, DEFAULT_LIMIT)  # a feed that exceeded this limit keeps its encoding
    Feed.insert_activities([activity(number) for number in range(LENGTH)])
    Feed(0).add_many([activity(number) for number in range(LENGTH)], trim=False)
    client.config_set(LIMIT, limit)
    pipeline = client.pipeline(transaction=False)
    for follower in range(1, FOLLOWERS):
        pipeline.execute_command("COPY", "feed:0", f"feed:{follower}", "REPLACE")
    pipeline.execute()


def fan_out(number: int) -> float:
    """Fan a post out. Returns pushes per second."""
    post = activity(number)
    start = time.perf_counter()
    Feed.insert_activity(post)
    with Feed.get_timeline_batch_interface() as batch:
        for follower in range(FOLLOWERS):
            Feed(follower).add_many([post], batch_interface=batch, trim=False)
    return FOLLOWERS / (time.perf_counter() - start)


def main() -> None:
    """Fill the feeds, then measure once per line of input."""
    fill()
    print("ready", flush=True)
    for number, _ in enumerate(sys.stdin, LENGTH):
        print(fan_out(number), flush=True)


main()
