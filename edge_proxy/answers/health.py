"""`GET /healthz`: whether every service has a healthy replica."""

from edge_proxy.contracts import SERVICES
from edge_proxy.json_types import Json, extension

PATH = "/healthz"


def health_filter() -> Json:
    """Render the filter: 200 while every service has a healthy replica, otherwise 503."""
    return extension(
        "envoy.filters.http.health_check",
        "extensions.filters.http.health_check.v3.HealthCheck",
        pass_through_mode=False,
        headers=[
            {"name": ":path", "string_match": {"exact": PATH}},
            {"name": ":method", "string_match": {"safe_regex": {"regex": "GET|HEAD"}}},
        ],
        # One replica is enough: a rolling restart is not an outage.
        cluster_min_healthy_percentages={name: {"value": 1.0} for name in SERVICES},
    )
