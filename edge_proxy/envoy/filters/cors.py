"""CORS: which web pages may call the edge from a browser."""

from collections.abc import Sequence

from edge_proxy.json_types import Json, extension, typed

NAME = "envoy.filters.http.cors"
POLICY = "extensions.filters.http.cors.v3.CorsPolicy"
METHODS = ("GET", "HEAD", "POST", "PATCH", "DELETE", "OPTIONS")
REQUEST_HEADERS = (
    "authorization",
    "content-type",
    "grpc-timeout",
    "idempotency-key",
    "if-none-match",
    "traceparent",
    "tracestate",
    "x-grpc-web",
    "x-user-agent",
)
RESPONSE_HEADERS = (
    "etag",
    "grpc-message",
    "grpc-status",
    "grpc-status-details-bin",
    "lensfeed-degraded",
    "retry-after",
    "x-request-id",
)
# Media are the same for everyone: all pages may read them, and a CDN may keep one response for all.
MEDIA_METHODS = ("GET", "HEAD", "OPTIONS")
MEDIA_REQUEST_HEADERS = (
    "cache-control",
    "if-match",
    "if-modified-since",
    "if-none-match",
    "if-range",
    "if-unmodified-since",
    "range",
    "save-data",
)
MEDIA_RESPONSE_HEADERS = (
    "accept-ranges",
    "age",
    "content-length",
    "content-range",
    "etag",
    "retry-after",
    "x-request-id",
)
# Two hours, the longest that browsers cache a preflight.
MAX_AGE_SECONDS = 7200


def cors_filter() -> Json:
    """Render the filter. Its policy is set per host or route."""
    return extension(NAME, "extensions.filters.http.cors.v3.Cors")


def cors_policy(origins: Sequence[str]) -> Json:
    """Render the policy. Without origins there is none, and browsers refuse cross-origin calls."""
    if not origins:
        return {}
    return {
        NAME: typed(
            POLICY,
            allow_origin_string_match=[{"exact": origin} for origin in origins],
            allow_methods=",".join(METHODS),
            allow_headers=",".join(REQUEST_HEADERS),
            expose_headers=",".join(RESPONSE_HEADERS),
            max_age=str(MAX_AGE_SECONDS),
        )
    }


def cors_error_headers(origins: Sequence[str]) -> list[Json]:
    """Render headers for errors that are made before the filter runs, or on routes where it does nothing."""
    if not origins:
        return []
    listed = ", ".join(f"'{origin}'" for origin in origins)
    allowed = f"request.headers['origin'] in [{listed}]"
    exposed = ",".join(RESPONSE_HEADERS)
    return [
        _header("access-control-allow-origin", f"%CEL({allowed} ? request.headers['origin'] : '')%"),
        _header("access-control-expose-headers", f"%CEL({allowed} ? '{exposed}' : '')%"),
    ]


def _header(name: str, value: str) -> Json:
    # Envoy leaves out headers whose value is empty.
    return {"header": {"key": name, "value": value}, "append_action": "OVERWRITE_IF_EXISTS_OR_ADD"}


def media_preflights() -> Json:
    """Render the policy of preflights for media, from any origin."""
    return {
        NAME: typed(
            POLICY,
            allow_origin_string_match=[{"safe_regex": {"regex": ".+"}}],
            allow_methods=",".join(MEDIA_METHODS),
            allow_headers=",".join(MEDIA_REQUEST_HEADERS),
            max_age=str(MAX_AGE_SECONDS),
        )
    }


def no_cors() -> Json:
    """Render the route configuration that turns the filter off."""
    return {NAME: typed(POLICY, filter_enabled={"default_value": {"numerator": 0}})}
