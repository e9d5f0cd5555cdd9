"""The dashboard that answers whether lensfeed keeps its promises, from the recorded rates of deploy/prometheus/rules.yaml."""

from collections.abc import Sequence

from grafana_foundation_sdk.builders.dashboard import Dashboard

from meshkit.telemetry import catalog
from tools.monitoring.panels import NUMBER, PER_SECOND, SECONDS, SHARE, Panel, add_row, board, lines, number
from tools.monitoring.queries import largest, per_second, quantile

_GET_FEED = 'rpc_method="lensfeed.feed.v1.FeedService/GetFeed"'
_FEED_SECONDS, _FRESHNESS_SECONDS, _UNHANDLED_SECONDS, _OPEN_SECONDS = 0.5, 120, 120, 1800
# At 1, a budget lasts its 30 days. At 14.4, somebody is woken.
_BURN_LIMITS = (1, 14.4)


def promises() -> Dashboard:
    """Return the dashboard."""
    made = board(
        "lensfeed-promises", "lensfeed: promises", "Does lensfeed keep its promises, and what is left of the budgets?"
    )
    add_row(made, "Reads of the home feed take up to 500 ms and do not fail (99.9 %)", _promise("feed", _feed()))
    add_row(
        made, "Posts can be seen in every follower's feed within 120 s (99.9 %)", _promise("freshness", _freshness())
    )
    add_row(made, "Attempts to process an uploaded photo or video succeed (99 %)", _promise("uploads", _uploads()))
    add_row(made, "What no budget sees", _others())
    return made


def _promise(slo: str, panel: Panel) -> Sequence[Panel]:
    bad, every = f'lensfeed:slo_bad:rate5m{{slo="{slo}"}}', f'lensfeed:slo_all:rate5m{{slo="{slo}"}}'
    # Without calls there is no share, not one of 0/0.
    broken = f"sum_over_time({bad}[30d]) / (sum_over_time({every}[30d]) > 0)"
    left = number(
        "Budget left",
        SHARE,
        (f'1 - {broken} / lensfeed:slo_budget{{slo="{slo}"}}', "left"),
        steps=[("red", None), ("orange", 0), ("green", 0.25)],
        description="Of the last 30 days, or since Prometheus began. Below 0, the promise was broken.",
    )
    windows = ("5m", "1h", "6h", "3d")
    burn = lines(
        "Burn rate",
        NUMBER,
        *((f'lensfeed:slo_burn:{window}{{slo="{slo}"}}', window) for window in windows),
        description="At 1, the budget lasts 30 days. At 14.4 for an hour, it is an alert that wakes somebody.",
        limits=_BURN_LIMITS,
    )
    return left, burn, panel


def _feed() -> Panel:
    times = [
        (quantile(q, catalog.SERVER_CALL_DURATION, where=_GET_FEED), name) for q, name in ((0.5, "p50"), (0.99, "p99"))
    ]
    return lines("Time of GetFeed", SECONDS, *times, limits=(_FEED_SECONDS,))


def _freshness() -> Panel:
    times = [
        (quantile(q, catalog.FRESHNESS, ("way",)), f"{name} {{{{way}}}}") for q, name in ((0.5, "p50"), (0.99, "p99"))
    ]
    return lines("Time until a post can be seen", SECONDS, *times, limits=(_FRESHNESS_SECONDS,))


def _uploads() -> Panel:
    attempts = per_second(catalog.JOB_DURATION, ("queue", "outcome"))
    return lines("Attempts by outcome", PER_SECOND, (attempts, "{{queue}} {{outcome}}"))


def _others() -> Sequence[Panel]:
    oldest = largest(catalog.EVENTS_OLDEST, ("stream", "group"))
    return (
        lines("Oldest event", SECONDS, (oldest, "{{stream}} for {{group}}"), limits=(_UNHANDLED_SECONDS,)),
        lines("Dead letters", NUMBER, (largest(catalog.DEAD_LETTERS, ("stream",)), "{{stream}}"), limits=(1,)),
        lines("Entries of feeds that differ from the store", SHARE, (largest(catalog.DIVERGENCE), "share")),
        lines(
            "Oldest open minute of the outboxes",
            SECONDS,
            (largest(catalog.OUTBOX_OPEN, ("stream",)), "{{stream}}"),
            limits=(_OPEN_SECONDS,),
        ),
        lines("Minutes closed ahead", NUMBER, (largest(catalog.OUTBOX_AHEAD, ("stream",)), "{{stream}}"), limits=(1,)),
        lines(
            "Offset of clocks", SECONDS, (f"max by (clock) (abs({catalog.CLOCK_OFFSET.prometheus_name}))", "{{clock}}")
        ),
    )
