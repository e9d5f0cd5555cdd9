"""The public listener and its chain of HTTP filters."""

from collections.abc import Sequence

from edge_proxy.addresses import socket_address
from edge_proxy.answers.health import health_filter
from edge_proxy.contracts import DEFAULT_BODY_KIB, Method
from edge_proxy.envoy.access_log import access_log
from edge_proxy.envoy.capabilities import capability_filters
from edge_proxy.envoy.filters.compression import compression_filters
from edge_proxy.envoy.filters.cors import cors_filter
from edge_proxy.envoy.filters.early_headers import early_mutation
from edge_proxy.envoy.filters.early_requests import early_request_filter
from edge_proxy.envoy.filters.frames import frame_filter
from edge_proxy.envoy.filters.header_size import header_size_filter
from edge_proxy.envoy.filters.not_modified import not_modified_filter
from edge_proxy.envoy.filters.rest_requests import rest_request_filter, strict_json_filter
from edge_proxy.envoy.filters.security_headers import security_filter
from edge_proxy.envoy.filters.service_errors import service_error_filter
from edge_proxy.envoy.filters.tokens import early_token_filter, token_filter
from edge_proxy.envoy.filters.transcoding import grpc_web_filter, json_filter, rest_response_filter
from edge_proxy.envoy.local_replies import local_reply_config
from edge_proxy.envoy.media import media_filters, redirect_filter
from edge_proxy.envoy.routes import route_config
from edge_proxy.envoy.tls import transport_socket
from edge_proxy.envoy.tracing import tracing
from edge_proxy.json_types import Json, extension
from edge_proxy.limits.rules import rate_filters, retry_after_seconds, rules_of
from edge_proxy.settings.edge import EdgeSettings

HEADERS_TIMEOUT = "10s"
IDLE_TIMEOUT = "300s"
# For calls without traffic. Routes have their own, as some calls may take longer.
STREAM_IDLE_TIMEOUT = "60s"
# How long calls may go on on a connection that is being closed.
DRAIN_TIMEOUT = "5s"
# An app has a handful of calls at once. A thousand streams are an attack.
MAX_STREAMS = 100
# A slow reader pauses its call at the first limit and its connection at the second, instead of filling the edge's memory.
STREAM_WINDOW_BYTES = 64 * 1024
CONNECTION_WINDOW_BYTES = 1024 * 1024
BUFFER_BYTES = 32 * 1024
# What Envoy reads at all, cookies included. The limit for the rest is in filters/header_size.py.
MAX_HEADERS_KIB = 32
MAX_HEADERS = 100


def public_listener(settings: EdgeSettings, methods: Sequence[Method]) -> Json:
    """Render the listener. HTTP/1.1 and HTTP/2 share the port, with or without TLS."""
    filters = [connection_manager(settings, methods)]
    return {
        "name": "public",
        "address": socket_address(settings.edge_addr),
        "per_connection_buffer_limit_bytes": BUFFER_BYTES,
        "filter_chains": [{"filters": filters, **transport_socket(settings, settings.edge_dir)}],
    }


def connection_manager(settings: EdgeSettings, methods: Sequence[Method]) -> Json:
    """Render the HTTP connection manager: limits, timeouts, filters and routes."""
    return extension(
        "envoy.filters.network.http_connection_manager",
        "extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
        stat_prefix="public",
        codec_type="AUTO",
        server_name="lensfeed",
        # Use the connection's address, not the one that a client claims.
        use_remote_address=True,
        xff_num_trusted_hops=settings.edge_trusted_hops,
        generate_request_id=True,
        always_set_request_id_in_response=True,
        normalize_path=True,
        merge_slashes=True,
        path_with_escaped_slashes_action="REJECT_REQUEST",
        strip_any_host_port=True,
        request_timeout=f"{settings.edge_request_seconds:.3f}s",
        request_headers_timeout=HEADERS_TIMEOUT,
        stream_idle_timeout=STREAM_IDLE_TIMEOUT,
        drain_timeout=DRAIN_TIMEOUT,
        max_request_headers_kb=MAX_HEADERS_KIB,
        common_http_protocol_options={
            "idle_timeout": IDLE_TIMEOUT,
            "max_headers_count": MAX_HEADERS,
            # Some servers treat x_user_id as x-user-id.
            "headers_with_underscores_action": "DROP_HEADER",
        },
        http_protocol_options={
            # Older versions of nginx proxy with HTTP/1.0 by default.
            "accept_http_10": True,
            "default_host_for_http_10": "lensfeed",
            # Unknown methods get METHOD_UNKNOWN. Envoy calls this option work in progress; all that it does is to accept other
            # names, which no route matches.
            "allow_custom_methods": True,
        },
        http2_protocol_options={
            "max_concurrent_streams": MAX_STREAMS,
            "initial_stream_window_size": STREAM_WINDOW_BYTES,
            "initial_connection_window_size": CONNECTION_WINDOW_BYTES,
        },
        early_header_mutation_extensions=[early_mutation(settings)],
        local_reply_config=local_reply_config(_retry_limited_seconds(settings, methods), settings.cors_origins),
        http_filters=http_filters(settings, methods),
        route_config=route_config(settings, methods),
        access_log=[access_log(settings)],
        **tracing(),
    )


def http_filters(settings: EdgeSettings, methods: Sequence[Method]) -> list[Json]:
    """List the filters. Requests pass them from first to last, responses from last to first."""
    return [
        # First, so that it sees the original request and changes the response last.
        rest_response_filter(),
        early_request_filter(settings),
        redirect_filter(),
        security_filter(settings),
        # Before filters that refuse calls: a browser hides errors without CORS headers from its page.
        cors_filter(),
        health_filter(),
        # Around the compression, which would add its header to a body that is gone.
        not_modified_filter(),
        # Compresses the JSON, after the response has been translated.
        *compression_filters(),
        grpc_web_filter(),
        header_size_filter(),
        # Before the body is buffered: a client without a token cannot fill the memory.
        early_token_filter(settings),
        # Buffer the whole body first, so that a service never sees half of a refused call.
        _body_limit(),
        frame_filter(),
        strict_json_filter(),
        rest_request_filter(settings),
        json_filter(settings, methods),
        # After the translation, so that rules refer to gRPC paths only.
        token_filter(settings),
        # After the token, so that the user is known.
        *rate_filters(rules_of(settings), together=bool(settings.limits_addr)),
        *capability_filters(settings),
        *media_filters(settings),
        # Next to the services, so that their errors are complete before they are translated.
        service_error_filter(),
        extension("envoy.filters.http.router", "extensions.filters.http.router.v3.Router", suppress_envoy_headers=True),
    ]


def _retry_limited_seconds(settings: EdgeSettings, methods: Sequence[Method]) -> int:
    return retry_after_seconds(rules_of(settings), max(method.cost for method in methods))


def _body_limit() -> Json:
    return extension(
        "envoy.filters.http.buffer",
        "extensions.filters.http.buffer.v3.Buffer",
        max_request_bytes=DEFAULT_BODY_KIB * 1024,
    )
