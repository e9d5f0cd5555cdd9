"""A metric of how far timelines diverge from the store."""

from collections.abc import Iterable

from opentelemetry.metrics import Meter, Observation

from feed_svc.drift.sampler import SampleDrift
from meshkit.telemetry.catalog import DIVERGENCE


def show_divergence(drift: SampleDrift, meter: Meter | None = None) -> None:
    """Export the share of diverging entries among those a worker compared recently."""

    def read() -> Iterable[Observation]:
        return [Observation(drift.divergence_ratio)]

    DIVERGENCE.observe(read, meter)
