"""The figures of most promises: what feeds lack, what they should not have, and how late they are."""

from collections.abc import Sequence

from faults.load.settle import Settled
from faults.promise import Figure

PATIENCE_SECONDS = 120.0
"""How late a feed may be."""


def feed_figures(
    settled: Sequence[Settled], seconds: Sequence[float], most_seconds: float = PATIENCE_SECONDS
) -> Sequence[Figure]:
    """Return the figures of some comparisons of all feeds with the ledger, and of the probes meanwhile."""
    return (
        Figure("missing", sum(each.missing for each in settled), 0),
        Figure("not gone", sum(each.extra for each in settled), 0),
        Figure("doubled", sum(each.doubled for each in settled), 0),
        Figure("latest", max((*(each.seconds for each in settled), *seconds)), most_seconds, " s"),
    )
