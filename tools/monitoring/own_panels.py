"""What only one service has to show."""

from collections.abc import Sequence

from meshkit.telemetry import catalog
from tools.monitoring.panels import NUMBER, PER_SECOND, SECONDS, Panel, lines
from tools.monitoring.queries import largest, per_second, quantile


def own_panels(service: str) -> Sequence[Panel]:
    """Return the panels of a service, or none."""
    makers = {"feed_svc": _feed, "follow_svc": _follow, "media_svc": _media}
    return makers[service]() if service in makers else ()


def _feed() -> Sequence[Panel]:
    lag = [(quantile(share, catalog.FAN_OUT_LAG), name) for share, name in ((0.5, "p50"), (0.99, "p99"))]
    left = f"sum({catalog.REBUILD_AUTHORS_LEFT.prometheus_name})"
    return (
        lines("Pages by source", PER_SECOND, (per_second(catalog.FEED_PAGES, ("source",)), "{{source}}")),
        lines("Cards by source", PER_SECOND, (per_second(catalog.FEED_CARDS, ("source",)), "{{source}}")),
        lines("From a post to its last push", SECONDS, *lag),
        lines(
            "Timelines compared with the graph", PER_SECOND, (per_second(catalog.LEASES, ("outcome",)), "{{outcome}}")
        ),
        lines("Celebrities", NUMBER, (largest(catalog.CELEBRITIES), "authors")),
        lines("Authors that running rebuilds have not read", NUMBER, (left, "authors")),
    )


def _follow() -> Sequence[Panel]:
    requests = per_second(catalog.FOLLOW_REQUESTS, ("outcome",))
    return (lines("Follow requests", PER_SECOND, (requests, "{{outcome}}")),)


def _media() -> Sequence[Panel]:
    states = per_second(catalog.MEDIA_STATES, ("kind", "state", "reason"))
    return (
        lines("Media by state", PER_SECOND, (states, "{{kind}} {{state}} {{reason}}")),
        lines("Jobs that wait", NUMBER, (largest(catalog.JOBS_WAITING, ("queue",)), "{{queue}}")),
        lines("99th percentile of waiting", SECONDS, (quantile(0.99, catalog.JOB_WAIT, ("queue",)), "{{queue}}")),
        lines("99th percentile of jobs", SECONDS, (quantile(0.99, catalog.JOB_DURATION, ("queue",)), "{{queue}}")),
    )
