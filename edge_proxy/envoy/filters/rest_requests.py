"""Checks of REST requests before the transcoder: strict JSON, known query parameters and the types of the contracts.

Envoy's transcoder takes JSON with trailing commas, single quotes and bare keys, lets the query override path and body, and
does not say which field is wrong. A filter with a strict parser marks malformed bodies, and a Lua filter checks the rest.
"""

from pathlib import Path

from edge_proxy.contracts import read_descriptors
from edge_proxy.envoy.filters.rest_schema import rest_schema
from edge_proxy.envoy.filters.skip_grpc import skip_grpc
from edge_proxy.json_types import Json, extension, typed
from edge_proxy.settings.edge import EdgeSettings

# Dynamic metadata: what the JSON filter found, and what the Lua filter tells the local reply (local_replies.py).
JSON_METADATA = "lensfeed.json"
MALFORMED_METADATA = "lensfeed.malformed"
LUA = Path(__file__).parent / "lua"


def strict_json_filter() -> Json:
    """Render the filter that parses bodies strictly and records whether they are JSON. It skips gRPC."""
    filter_config = extension(
        "envoy.filters.http.json_to_metadata",
        "extensions.filters.http.json_to_metadata.v3.JsonToMetadata",
        request_rules={
            "allow_empty_content_type": True,
            "allow_content_types_regex": {"regex": ".*"},
            # The selector is not used, but a rule needs one.
            "rules": [{"selectors": [{"key": "-"}], "on_missing": _state("unknown"), "on_error": _state("malformed")}],
        },
    )
    return {
        "name": "strict_json",
        "typed_config": typed(
            "extensions.common.matching.v3.ExtensionWithMatcher",
            xds_matcher=skip_grpc(),
            extension_config=filter_config,
        ),
    }


def rest_request_filter(settings: EdgeSettings) -> Json:
    """Render the filter that checks paths, queries and bodies of REST requests. Raises ContractsError."""
    source = rest_schema(read_descriptors(settings.descriptor_set)) + (LUA / "rest_requests.lua").read_text()
    kind = "extensions.filters.http.lua.v3.Lua"
    return extension("rest_requests", kind, default_source_code={"inline_string": source})


def _state(value: str) -> Json:
    return {"metadata_namespace": JSON_METADATA, "key": "state", "value": value}
