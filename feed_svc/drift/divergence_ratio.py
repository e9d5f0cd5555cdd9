"""A metric of how far timelines diverge from the store."""

from collections.abc import Iterable

from opentelemetry.metrics import CallbackOptions, Meter, Observation

from feed_svc.drift.sampler import SampleDrift

NAME = "feed_divergence_ratio"


def show_divergence(meter: Meter, drift: SampleDrift) -> None:
    """Export the share of diverging entries among those a worker compared recently."""

    def observe(_options: CallbackOptions) -> Iterable[Observation]:
        return [Observation(drift.divergence_ratio)]

    meter.create_observable_gauge(
        NAME,
        [observe],
        unit="1",
        description="The share of entries that differ from the store, in the home timelines compared lately",
    )
