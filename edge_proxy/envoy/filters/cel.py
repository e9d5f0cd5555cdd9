"""Conditions on calls, in CEL over Envoy's attributes."""

from edge_proxy.envoy.filters.early_headers import CONTENT_TYPE_HEADER
from edge_proxy.json_types import Json, extension

# The content type as the caller sent it. Without one, a condition on it is false.
SENT_TYPE = f"request.headers['{CONTENT_TYPE_HEADER}']"
# The same for responses made before any header was read.
UNTOUCHED_TYPE = "request.headers['content-type']"


def cel_filter(expression: str) -> Json:
    """Render an access log filter, also used to choose local replies, that passes if the expression is true."""
    return {
        "extension_filter": extension(
            "envoy.access_loggers.extension_filters.cel",
            "extensions.access_loggers.filters.cel.v3.ExpressionFilter",
            expression=expression,
        )
    }
