"""The routes. A path that is not listed is unknown."""

from collections.abc import Sequence

from edge_proxy.answers.documents import MAX_BYTES, document_routes
from edge_proxy.answers.services import HEALTH_CLUSTER, HEALTH_SERVICE, REFLECTION_CLUSTER, builtin_methods
from edge_proxy.contracts import DEFAULT_BODY_KIB, Method
from edge_proxy.envoy.filters.cors import cors_policy
from edge_proxy.envoy.filters.frames import check_frames
from edge_proxy.envoy.filters.not_modified import not_modified_config
from edge_proxy.envoy.filters.service_errors import keep_errors
from edge_proxy.envoy.media import media_routes, other_media_routes, redirect_config
from edge_proxy.json_types import Json, extension, typed
from edge_proxy.limits.rules import cost_metadata
from edge_proxy.settings.edge import EdgeSettings

# gRPC and gRPC-Web. Plain JSON on a gRPC path is not supported.
GRPC_CONTENT_TYPES = r"application/grpc(-web(-text)?)?([+;].*)?"
# A gRPC server would answer other values with INTERNAL.
HEADER_FORMS = {"grpc-timeout": "[0-9]{1,8}[HMSmun]", "grpc-encoding": "identity|deflate|gzip"}
# For repeatable methods only, so that a call may be retried even if a service has already begun it. A stopping gRPC server
# answers new calls with CANCELLED.
RETRY = {
    "retry_on": "connect-failure,refused-stream,reset,unavailable,cancelled",
    "num_retries": 1,
    "retry_back_off": {"base_interval": "0.025s", "max_interval": "0.25s"},
    # Prefer another replica.
    "retry_host_predicate": [
        extension(
            "envoy.retry_host_predicates.previous_hosts",
            "extensions.retry.host.previous_hosts.v3.PreviousHostsPredicate",
        )
    ],
    "host_selection_retry_max_attempts": 3,
}
# On REST calls that were checked (rest_requests.lua). Apps cannot send it.
REST_HEADER = "x-lensfeed-rest"
BODY_FILTER = "envoy.filters.http.buffer"
BODY_KIND = "extensions.filters.http.buffer.v3.BufferPerRoute"
# What a user gets is for that user. Services may say otherwise.
PRIVATE = {"header": {"key": "cache-control", "value": "private, no-cache"}, "append_action": "ADD_IF_ABSENT"}
# Beyond the call's timeout: how long a response may wait for a client that does not read.
IDLE_SECONDS = 10
# A person's tool asks all of its questions at once. A stream that asks nothing keeps a place from others.
BUILTIN_TIMEOUT, BUILTIN_IDLE = "5s", "2s"
# Sessions show their owner from which network they were opened. Nobody else is told an app's address.
ADDRESS = {
    "request_headers_to_add": [
        {
            "header": {"key": "x-lensfeed-address", "value": "%DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT%"},
            "append_action": "OVERWRITE_IF_EXISTS_OR_ADD",
        }
    ]
}


def route_config(settings: EdgeSettings, methods: Sequence[Method]) -> Json:
    """Render all routes. A REST call is matched twice: first as unknown, then as gRPC once transcoded."""
    return {
        "name": "public",
        # The last route has no cluster.
        "validate_clusters": False,
        "max_direct_response_body_size_bytes": MAX_BYTES,
        "virtual_hosts": [
            {
                "name": "public",
                "domains": ["*"],
                "typed_per_filter_config": cors_policy(settings.cors_origins),
                "routes": [
                    *(malformed_route(header, form) for header, form in HEADER_FORMS.items()),
                    *(json_route(settings, method) for method in methods if method.json_path),
                    *(method_route(settings, method) for method in methods),
                    *(builtin_route(settings, method) for method in builtin_methods(settings)),
                    *document_routes(settings),
                    *media_routes(settings),
                    *(
                        large_body_route(method)
                        for method in methods
                        if method.max_body_bytes > DEFAULT_BODY_KIB * 1024
                    ),
                    *other_media_routes(settings),
                    unknown_route(),
                ],
            }
        ],
    }


def method_route(settings: EdgeSettings, method: Method) -> Json:
    """Render the route of a method, for all protocols."""
    timeout = f"{settings.edge_timeout_seconds:.3f}s"
    return {
        "name": method.path,
        "metadata": cost_metadata(method),
        "match": {
            "path": method.path,
            "headers": [
                # A service resets calls with other methods, which would count as its failure.
                {"name": ":method", "string_match": {"exact": "POST"}},
                {"name": "content-type", "string_match": {"safe_regex": {"regex": GRPC_CONTENT_TYPES}}},
            ],
        },
        "route": {
            "cluster": method.cluster,
            "timeout": timeout,
            "idle_timeout": f"{settings.edge_timeout_seconds + IDLE_SECONDS:.3f}s",
            **({"retry_policy": RETRY} if method.is_repeatable else {}),
        },
        "typed_per_filter_config": {
            **check_frames(),
            **body_limit(method),
            **redirect_config(method),
            **not_modified_config(method),
        },
        **(ADDRESS if method.cluster == "user" else {}),
        "response_headers_to_add": [PRIVATE],
    }


def json_route(settings: EdgeSettings, method: Method) -> Json:
    """Render the route of a method's REST calls once transcoded, if the service answers them with ready JSON."""
    route = method_route(settings, method)
    from_rest = {"name": REST_HEADER, "present_match": True}
    return route | {
        "name": method.json_path,
        "match": route["match"] | {"headers": [*route["match"]["headers"], from_rest]},
        "route": route["route"] | {"prefix_rewrite": method.json_path},
    }


def builtin_route(settings: EdgeSettings, method: Method) -> Json:
    """Render the route of a method that the edge process serves. Streaming calls cannot be buffered."""
    route = method_route(settings, method)
    unbuffered = typed(BODY_KIND, disabled=True)
    cluster = HEALTH_CLUSTER if method.service == HEALTH_SERVICE else REFLECTION_CLUSTER
    return route | {
        "route": route["route"] | {"cluster": cluster, "timeout": BUILTIN_TIMEOUT, "idle_timeout": BUILTIN_IDLE},
        "typed_per_filter_config": {BODY_FILTER: unbuffered, **keep_errors()},
    }


def malformed_route(header: str, form: str) -> Json:
    """Render the route that refuses a header value that a gRPC server would answer with INTERNAL."""
    malformed = {
        "name": header,
        "string_match": {"safe_regex": {"regex": f"({form})?"}},
        "treat_missing_header_as_empty": True,
        "invert_match": True,
    }
    return {
        "name": f"malformed {header}",
        "match": {"safe_regex": {"regex": r"/(lensfeed|grpc)\..*"}, "headers": [malformed]},
        "direct_response": {"status": 400},
    }


def body_limit(method: Method) -> Json:
    """Render the route's setting of the buffer filter, for a method with a larger body limit."""
    if method.max_body_bytes <= DEFAULT_BODY_KIB * 1024:
        return {}
    return {BODY_FILTER: typed(BODY_KIND, buffer={"max_request_bytes": method.max_body_bytes})}


def large_body_route(method: Method) -> Json:
    """Render the route that a REST call matches before transcoding, for a method with a larger body limit."""
    match = {"safe_regex": {"regex": method.rest_pattern}, "headers": [_verb(method)]}
    return unknown_route() | {
        "name": f"{method.path} by REST",
        "match": match,
        "typed_per_filter_config": body_limit(method),
    }


def _verb(method: Method) -> Json:
    return {"name": ":method", "string_match": {"exact": method.verb}}


def unknown_route() -> Json:
    """Render the last route, which answers METHOD_UNKNOWN.

    It points to a missing cluster instead of a direct response, because the CORS filter ignores direct responses.
    Preflights and REST calls before transcoding match this route, too.
    """
    action = {"cluster": "unknown", "cluster_not_found_response_code": "NOT_FOUND"}
    return {"name": "unknown", "match": {"prefix": "/"}, "route": action}
