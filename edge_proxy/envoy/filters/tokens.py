"""Access tokens: which methods need one, how it is verified, what services get from it."""

from collections.abc import Sequence
from pathlib import Path

from edge_proxy.contracts import Method
from edge_proxy.json_types import Json, typed
from edge_proxy.settings.edge import EdgeSettings
from meshkit.token_expiry import EDGE_SKEW_SECONDS

ISSUER = AUDIENCE = "lensfeed"
PROVIDER = "session"
FILTER = "envoy.filters.http.jwt_authn"
KIND = "extensions.filters.http.jwt_authn.v3.JwtAuthentication"
# Services trust these two headers. Only this filter may set them.
CLAIM_HEADERS = {"x-user-id": "sub", "x-session-id": "sid"}


def token_filter(settings: EdgeSettings) -> Json:
    """Render the filter that verifies tokens. Envoy reloads its configuration file when it is replaced.

    It runs after the transcoder, where REST calls have gRPC paths, so that one list of paths covers all protocols.
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
    """Return the path of the filter's configuration file."""
    return settings.edge_dir.absolute() / "tokens.json"


def token_resource(methods: Sequence[Method], jwks: str) -> Json:
    """Render the file's resource. Methods need a token unless their contract says otherwise."""
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
        # Envoy's default of 60 s would accept tokens for a minute after their expiry.
        "clock_skew_seconds": EDGE_SKEW_SECONDS,
        # Only this header. By default a token in the query works, too, and would end up in logs.
        "from_headers": [{"name": "authorization", "value_prefix": "Bearer "}],
        "forward": False,
        "local_jwks": {"inline_string": jwks},
        "claim_to_headers": [{"header_name": header, "claim_name": claim} for header, claim in CLAIM_HEADERS.items()],
    }
