"""A metric of how late posts reach their followers."""

import time

from opentelemetry.metrics import Meter

from meshkit.ids import id_millis

NAME = "lensfeed.feed.fan_out_lag"
# In seconds: OpenTelemetry's default buckets suit milliseconds. A feed may be two minutes late.
BOUNDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 30, 60, 90, 120, 300, 600)


class FanOutLag:
    """Records the time from a post's publication to the last push to a page or chunk of followers.

    A large fan-out is recorded once for its first page and once per chunk; the highest value is the lag of the whole fan-out.
    Repeated pushes, after a crash or a replay, are recorded again.
    """

    def __init__(self, meter: Meter) -> None:
        self._lag = meter.create_histogram(
            NAME,
            unit="s",
            description="The time from a post's publication to the last push of a page or chunk of its followers",
            explicit_bucket_boundaries_advisory=BOUNDS,
        )

    def __call__(self, place: int) -> None:
        """Record the lag of a post that has just arrived."""
        self._lag.record(max(0.0, time.time() - id_millis(place) / 1_000))
