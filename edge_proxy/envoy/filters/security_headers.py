"""Security headers on every response."""

from edge_proxy.json_types import Json, extension
from edge_proxy.settings.edge import EdgeSettings

NAME = "security_headers"


def security_filter(settings: EdgeSettings) -> Json:
    """Render the filter: no content sniffing, and HSTS with TLS."""
    headers = {"x-content-type-options": "nosniff"}
    if settings.edge_uses_tls and settings.edge_hsts_seconds:
        headers["strict-transport-security"] = f"max-age={settings.edge_hsts_seconds}"
    return extension(
        NAME,
        "extensions.filters.http.header_mutation.v3.HeaderMutation",
        mutations={"response_mutations": [_set(name, value) for name, value in headers.items()]},
    )


def _set(name: str, value: str) -> Json:
    return {"append": {"header": {"key": name, "value": value}, "append_action": "OVERWRITE_IF_EXISTS_OR_ADD"}}
