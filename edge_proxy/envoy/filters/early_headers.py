"""What the edge does to the headers of every request before it picks a route or runs a filter."""

from edge_proxy.envoy.filters.tokens import CLAIM_HEADERS
from edge_proxy.json_types import Json, extension
from edge_proxy.settings.edge import EdgeSettings

# Nobody outside speaks for the edge (ours), steers its timeouts and retries (Envoy's) or the object store.
INTERNAL_PREFIXES = ("x-lensfeed-", "x-envoy-", "x-amz-")
# Binary metadata: no service reads any, and a gRPC server fails a call over one that is not base64.
BINARY_SUFFIX = "-bin"
# Of gRPC's own: a server fails a call over one that it cannot read, and no caller needs them.
GRPC_HEADERS = ("grpc-previous-rpc-attempts", "grpc-retry-pushback-ms", "grpc-internal-encoding-request")
# Names that HTTP allows and gRPC does not, whose servers fail a call over one. Those with a colon are HTTP/2's own.
FOREIGN_TO_GRPC = ".*[^0-9a-z_.:-].*"
# What the caller sent as content type; the filters that translate protocols change the original.
CONTENT_TYPE_HEADER = "x-lensfeed-content-type"
# A service without a caller's deadline may work a little longer than the edge waits. With the same time for both, the
# service's gRPC library often answers first, and its answer has no details.
GRACE_MILLISECONDS = 500


def early_mutation(settings: EdgeSettings) -> Json:
    """Render the mutation: identity headers go, and every call gets a deadline."""
    milliseconds = round(settings.edge_timeout_seconds * 1000) + GRACE_MILLISECONDS
    return extension(
        "envoy.http.early_header_mutation.header_mutation",
        "extensions.http.early_header_mutation.header_mutation.v3.HeaderMutation",
        mutations=[
            *({"remove": header} for header in (*CLAIM_HEADERS, *GRPC_HEADERS)),
            *({"remove_on_match": {"key_matcher": {"prefix": prefix}}} for prefix in INTERNAL_PREFIXES),
            {"remove_on_match": {"key_matcher": {"safe_regex": {"regex": FOREIGN_TO_GRPC}}}},
            {"remove_on_match": {"key_matcher": {"suffix": BINARY_SUFFIX}}},
            _append(CONTENT_TYPE_HEADER, "%REQ(content-type)%", "OVERWRITE_IF_EXISTS_OR_ADD"),
            _append("grpc-timeout", f"{milliseconds}m", "ADD_IF_ABSENT"),
        ],
    )


def _append(name: str, value: str, action: str) -> Json:
    return {"append": {"header": {"key": name, "value": value}, "append_action": action}}
