"""Conditions on calls in CEL, over the attributes that Envoy has of one."""

from edge_proxy.envoy.filters.early_headers import CONTENT_TYPE_HEADER
from edge_proxy.json_types import Json, extension

# The content type as the caller sent it; without one, a condition on it does not hold.
SENT_TYPE = f"request.headers['{CONTENT_TYPE_HEADER}']"
# The same in a refusal that comes before the edge has looked at any header.
UNTOUCHED_TYPE = "request.headers['content-type']"


def cel_filter(expression: str) -> Json:
    """Render an access log filter, which also chooses among local replies. It holds where the expression is true."""
    return {
        "extension_filter": extension(
            "envoy.access_loggers.extension_filters.cel",
            "extensions.access_loggers.filters.cel.v3.ExpressionFilter",
            expression=expression,
        )
    }
