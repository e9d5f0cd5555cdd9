"""Which path goes where. What is not listed is unknown."""

from collections.abc import Sequence

from edge_proxy.answers.documents import MAX_BYTES, document_routes
from edge_proxy.answers.services import CLUSTER, own_methods
from edge_proxy.contracts import Method
from edge_proxy.envoy.filters.cors import cors_policy
from edge_proxy.envoy.filters.frames import checked
from edge_proxy.envoy.media import media_route, redirect_of
from edge_proxy.json_types import Json, extension, typed
from edge_proxy.limits.rules import cost_metadata
from edge_proxy.settings.edge import EdgeSettings

# gRPC and gRPC-Web. Plain JSON on a gRPC path is no protocol of ours.
GRPC_CONTENT_TYPES = r"application/grpc(-web(-text)?)?([+;].*)?"
# What gRPC servers make of other values is an internal error.
HEADER_FORMS = {"grpc-timeout": "[0-9]{1,8}[HMSmun]", "grpc-encoding": "identity|deflate|gzip"}
# Of repeatable calls only, so that one whose service has begun and is gone may come again too. CANCELLED is what grpc
# tells calls that arrive while a server begins to stop.
RETRY = {
    "retry_on": "connect-failure,refused-stream,reset,unavailable,cancelled",
    "num_retries": 1,
    "retry_back_off": {"base_interval": "0.025s", "max_interval": "0.25s"},
    # Another replica, where there is one.
    "retry_host_predicate": [
        extension(
            "envoy.retry_host_predicates.previous_hosts",
            "extensions.retry.host.previous_hosts.v3.PreviousHostsPredicate",
        )
    ],
    "host_selection_retry_max_attempts": 3,
}
# Above the time of the call itself: how long its answer may then wait for an app that does not read.
IDLE_SECONDS = 10


def route_config(settings: EdgeSettings, methods: Sequence[Method]) -> Json:
    """Render all routes. A REST call is matched twice: as it comes (unknown), and as gRPC once it is transcoded."""
    return {
        "name": "public",
        # The last route has none.
        "validate_clusters": False,
        "max_direct_response_body_size_bytes": MAX_BYTES,
        "virtual_hosts": [
            {
                "name": "public",
                "domains": ["*"],
                "typed_per_filter_config": cors_policy(settings.cors_origins),
                "routes": [
                    *(malformed_route(header, form) for header, form in HEADER_FORMS.items()),
                    *(method_route(settings, method) for method in methods),
                    *(own_route(settings, method) for method in own_methods(settings)),
                    *document_routes(settings),
                    media_route(settings),
                    unknown_route(),
                ],
            }
        ],
    }


def method_route(settings: EdgeSettings, method: Method) -> Json:
    """Render the route of one method, in every protocol."""
    timeout = f"{settings.edge_timeout_seconds:.3f}s"
    return {
        "name": method.path,
        "metadata": cost_metadata(method),
        "match": {
            "path": method.path,
            "headers": [
                # By any other a service breaks the call off, and is taken for one that fails.
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
        "typed_per_filter_config": {**checked(), **redirect_of(method)},
    }


def own_route(settings: EdgeSettings, method: Method) -> Json:
    """Render the route of what the edge answers by itself. Of a call that goes to and fro nothing can be held back."""
    route = method_route(settings, method)
    unbuffered = typed("extensions.filters.http.buffer.v3.BufferPerRoute", disabled=True)
    return route | {
        "route": route["route"] | {"cluster": CLUSTER},
        "typed_per_filter_config": {"envoy.filters.http.buffer": unbuffered},
    }


def malformed_route(header: str, form: str) -> Json:
    """Render the route that refuses a header no gRPC server could read, which would end as an error of ours."""
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


def unknown_route() -> Json:
    """Render the last route, which refuses.

    It leads to a cluster that is not there, and is no direct response: on those the CORS filter does nothing, and both
    preflights and REST calls, which are transcoded only later, first meet this route.
    """
    action = {"cluster": "unknown", "cluster_not_found_response_code": "NOT_FOUND"}
    return {"name": "unknown", "match": {"prefix": "/"}, "route": action}
