"""Access tokens: who needs one, what makes one valid, and what a service learns from it."""

from collections.abc import Sequence
from pathlib import Path

from edge_proxy.contracts import Method
from edge_proxy.json_types import Json, typed
from edge_proxy.settings.edge import EdgeSettings

ISSUER = AUDIENCE = "lensfeed"
PROVIDER = "session"
FILTER = "envoy.filters.http.jwt_authn"
KIND = "extensions.filters.http.jwt_authn.v3.JwtAuthentication"
# Services trust these two, so that nobody but this filter may set them.
CLAIM_HEADERS = {"x-user-id": "sub", "x-session-id": "sid"}


def token_filter(settings: EdgeSettings) -> Json:
    """Render the filter that verifies tokens. What it is made of is in a file that Envoy takes anew when it is replaced.

    It stands after the transcoder, where a REST call already has its method's gRPC path: one list of paths rules all
    protocols.
    """
    return {
        "name": FILTER,
        "config_discovery": {
            "config_source": {
                "path_config_source": {"path": str(token_path(settings))},
                "resource_api_version": "V3",
            },
            "type_urls": [f"type.googleapis.com/envoy.{KIND}"],
        },
    }


def token_path(settings: EdgeSettings) -> Path:
    """Name the file of what tokens are verified by."""
    return settings.edge_dir.absolute() / "tokens.json"


def token_resource(methods: Sequence[Method], jwks: str) -> Json:
    """Render that file's resource. Rules are tried in order, so that a method is open only where its contract says so."""
    rules = [
        *({"match": {"path": method.path}} for method in methods if method.is_open),
        {"match": {"prefix": "/lensfeed."}, "requires": {"provider_name": PROVIDER}},
    ]
    verification = typed(KIND, providers={PROVIDER: _provider(jwks)}, rules=rules)
    return typed("config.core.v3.TypedExtensionConfig", name=FILTER, typed_config=verification)


def _provider(jwks: str) -> Json:
    return {
        "issuer": ISSUER,
        "audiences": [AUDIENCE],
        "require_expiration": True,
        # Only this header: by default a token in the query is taken too, and would lie in logs.
        "from_headers": [{"name": "authorization", "value_prefix": "Bearer "}],
        "forward": False,
        "local_jwks": {"inline_string": jwks},
        "claim_to_headers": [{"header_name": header, "claim_name": claim} for header, claim in CLAIM_HEADERS.items()],
    }
