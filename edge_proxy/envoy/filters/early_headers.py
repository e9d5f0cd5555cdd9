"""Changes to the request headers before routes and filters see them."""

from edge_proxy.envoy.filters.tokens import CLAIM_HEADERS
from edge_proxy.json_types import Json, extension
from edge_proxy.settings.edge import EdgeSettings

# Clients must not impersonate the edge (ours), change its timeouts and retries (Envoy's) or reach the object store (S3's).
INTERNAL_PREFIXES = ("x-lensfeed-", "x-envoy-", "x-amz-", "x-seaweedfs-", "seaweed-")
# No service reads binary metadata, and a gRPC server fails a call whose binary metadata is not base64.
BINARY_SUFFIX = "-bin"
# gRPC's own headers. A server fails a call with an invalid one, and no caller needs them.
GRPC_HEADERS = ("grpc-previous-rpc-attempts", "grpc-retry-pushback-ms", "grpc-internal-encoding-request")
# A caller's trace must not decide what services sample. It is kept for the edge's log.
TRACE_HEADERS = ("traceparent", "tracestate")
CALLERS_TRACE = "x-lensfeed-traceparent"
# No service reads cookies, and a browser may send more of them than a service accepts.
COOKIES = "cookie"
# Names that HTTP allows and gRPC servers reject. Names with a colon are HTTP/2 pseudo headers.
FOREIGN_TO_GRPC = ".*[^0-9a-z_.:-].*"
# A copy of the caller's content type. Filters that translate protocols change the original.
CONTENT_TYPE_HEADER = "x-lensfeed-content-type"
# The service's deadline is a little later than the edge's. With equal times the service's gRPC library often responds
# first, and its response has no details.
GRACE_MILLISECONDS = 500


def early_mutation(settings: EdgeSettings) -> Json:
    """Render the mutation: it removes identity headers and gives every call a deadline."""
    milliseconds = round(settings.edge_timeout_seconds * 1000) + GRACE_MILLISECONDS
    return extension(
        "envoy.http.early_header_mutation.header_mutation",
        "extensions.http.early_header_mutation.header_mutation.v3.HeaderMutation",
        mutations=[
            *({"remove": header} for header in (*CLAIM_HEADERS, *GRPC_HEADERS, COOKIES)),
            *({"remove_on_match": {"key_matcher": {"prefix": prefix}}} for prefix in INTERNAL_PREFIXES),
            {"remove_on_match": {"key_matcher": {"safe_regex": {"regex": FOREIGN_TO_GRPC}}}},
            {"remove_on_match": {"key_matcher": {"suffix": BINARY_SUFFIX}}},
            _append(CALLERS_TRACE, "%REQ(traceparent)%", "OVERWRITE_IF_EXISTS_OR_ADD"),
            *({"remove": header} for header in TRACE_HEADERS),
            _append(CONTENT_TYPE_HEADER, "%REQ(content-type)%", "OVERWRITE_IF_EXISTS_OR_ADD"),
            _append("grpc-timeout", f"{milliseconds}m", "ADD_IF_ABSENT"),
        ],
    )


def _append(name: str, value: str, action: str) -> Json:
    return {"append": {"header": {"key": name, "value": value}, "append_action": action}}
