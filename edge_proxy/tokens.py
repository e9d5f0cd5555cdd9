"""Access tokens: who needs one, what makes one valid, and what a service learns from it."""

from collections.abc import Sequence

from edge_proxy.contracts import Method
from edge_proxy.json_types import Json, extension
from edge_proxy.settings import EdgeSettings

ISSUER = AUDIENCE = "lensfeed"
PROVIDER = "session"
# Services trust these two, so that nobody but this filter may set them.
CLAIM_HEADERS = {"x-user-id": "sub", "x-session-id": "sid"}


def token_filter(settings: EdgeSettings, methods: Sequence[Method]) -> Json:
    """Render the filter that verifies tokens.

    It stands after the transcoder, where a REST call already has its method's gRPC path: one list of paths rules all
    protocols. Rules are tried in order, so that a method is open only where its contract says so.
    """
    return extension(
        "envoy.filters.http.jwt_authn",
        "extensions.filters.http.jwt_authn.v3.JwtAuthentication",
        providers={PROVIDER: _provider(settings)},
        rules=[
            *({"match": {"path": method.path}} for method in methods if method.is_open),
            {"match": {"prefix": "/lensfeed."}, "requires": {"provider_name": PROVIDER}},
        ],
    )


def _provider(settings: EdgeSettings) -> Json:
    return {
        "issuer": ISSUER,
        "audiences": [AUDIENCE],
        "require_expiration": True,
        # Only this header: by default a token in the query is taken too, and would lie in logs.
        "from_headers": [{"name": "authorization", "value_prefix": "Bearer "}],
        "forward": False,
        "local_jwks": {"filename": str(settings.token_jwks_file.absolute())},
        "claim_to_headers": [{"header_name": header, "claim_name": claim} for header, claim in CLAIM_HEADERS.items()],
    }
