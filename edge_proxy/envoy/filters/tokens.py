"""Access tokens: which methods need one, how it is verified, what services get from it."""

from collections.abc import Sequence

from edge_proxy.contracts import Method
from edge_proxy.envoy.filters.filter_file import filter_from_file
from edge_proxy.json_types import Json
from edge_proxy.settings.edge import EdgeSettings
from meshkit.token_expiry import EDGE_SKEW_SECONDS

ISSUER = AUDIENCE = "lensfeed"
PROVIDER = "session"
FILTER = "tokens"
EARLY_FILTER = "early_tokens"
REMEMBERED_TOKENS = 10_000
# Services trust these two headers. Only this filter may set them.
CLAIM_HEADERS = {"x-user-id": "sub", "x-session-id": "sid"}


def token_filter(settings: EdgeSettings) -> Json:
    """Render the filter that verifies tokens. Envoy reloads its configuration file when it is replaced.

    It runs after the transcoder, where REST calls have gRPC paths, so that one list of paths covers all protocols.
    """
    return filter_from_file(settings, FILTER)


def early_token_filter(settings: EdgeSettings) -> Json:
    """Render the filter that refuses a call without a valid token before its body is read.

    The transcoder needs the whole body, so that this filter knows REST calls by their own paths. It only spares memory: what
    it does not recognise is still stopped by `token_filter`.
    """
    return filter_from_file(settings, EARLY_FILTER)


def token_configs(methods: Sequence[Method], jwks: str) -> dict[str, Json]:
    """Render the filters' configurations by name.

    Rules are tried in order, so that a method is open only where its contract says so.
    """
    required = {"requires": {"provider_name": PROVIDER}}
    rules = [
        *({"match": {"path": method.path}} for method in methods if method.is_open),
        {"match": {"prefix": "/lensfeed."}, **required},
    ]
    early = [
        *rules,
        *({"match": _rest_match(method)} for method in methods if method.is_open),
        *({"match": _rest_match(method), **required} for method in methods if not method.is_open),
    ]
    return {
        FILTER: {"providers": {PROVIDER: _provider(jwks)}, "rules": rules},
        # The second filter needs the token, too.
        EARLY_FILTER: {
            "providers": {PROVIDER: _provider(jwks) | {"forward": True, "claim_to_headers": []}},
            "rules": early,
        },
    }


def _rest_match(method: Method) -> Json:
    return {
        "safe_regex": {"regex": method.rest_pattern},
        "headers": [{"name": ":method", "string_match": {"exact": method.verb}}],
    }


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
        # A signature is verified once, not at each call and by each of the two filters; the expiry is always looked at.
        "jwt_cache_config": {"jwt_cache_size": REMEMBERED_TOKENS},
        "claim_to_headers": [{"header_name": header, "claim_name": claim} for header, claim in CLAIM_HEADERS.items()],
    }
