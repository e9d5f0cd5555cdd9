"""Metrics of how late posts reach their followers."""

import time

from opentelemetry.metrics import Meter

from meshkit.ids import id_millis
from meshkit.telemetry.catalog import FAN_OUT_LAG, FRESHNESS

_PUSHED, _PULLED = {"way": "pushed"}, {"way": "pulled"}
_freshness = FRESHNESS.create()


class FanOutLag:
    """Records the time from a post's publication to the last push to a page or chunk of followers.

    A large fan-out is recorded once for its first page and once per chunk; the highest value is the lag of the whole fan-out.
    Repeated pushes, after a crash or a replay, are recorded again.
    """

    def __init__(self, meter: Meter | None = None) -> None:
        self._lag = FAN_OUT_LAG.create(meter)

    def __call__(self, place: int, is_last: bool) -> None:
        """Record the lag of a post that has just arrived, and its freshness if it has arrived everywhere."""
        age = _age(place)
        self._lag.record(age)
        if is_last:
            _freshness.record(age, _PUSHED)


def record_pulled(place: int) -> None:
    """Record the freshness of a celebrity's post, which the next read of a feed pulls."""
    _freshness.record(_age(place), _PULLED)


def _age(place: int) -> float:
    return max(0.0, time.time() - id_millis(place) / 1_000)
