"""A metric of how late posts reach their followers."""

import time

from opentelemetry.metrics import Meter

from meshkit.ids import id_millis
from meshkit.telemetry.catalog import FAN_OUT_LAG


class FanOutLag:
    """Records the time from a post's publication to the last push to a page or chunk of followers.

    A large fan-out is recorded once for its first page and once per chunk; the highest value is the lag of the whole fan-out.
    Repeated pushes, after a crash or a replay, are recorded again.
    """

    def __init__(self, meter: Meter | None = None) -> None:
        self._lag = FAN_OUT_LAG.create(meter)

    def __call__(self, place: int) -> None:
        """Record the lag of a post that has just arrived."""
        self._lag.record(max(0.0, time.time() - id_millis(place) / 1_000))
