"""A matcher that skips a filter for gRPC and gRPC-Web."""

from edge_proxy.json_types import Json, extension, typed


def skip_grpc() -> Json:
    """Render the matcher for `ExtensionWithMatcher`. It looks at the content type as the filter sees it."""
    kind = "type.matcher.v3.HttpRequestHeaderMatchInput"
    skip = extension("skip", "extensions.filters.common.matcher.action.v3.SkipFilter")
    return {
        "matcher_tree": {
            "input": {"name": "content-type", "typed_config": typed(kind, header_name="content-type")},
            "prefix_match_map": {"map": {"application/grpc": {"action": skip}}},
        }
    }
