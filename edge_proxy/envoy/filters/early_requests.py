"""HEAD for methods that work by GET, and tokens whose scheme is written in any case."""

from edge_proxy.contracts import read_descriptors
from edge_proxy.envoy.filters.rest_requests import LUA
from edge_proxy.envoy.filters.rest_schema import readable_paths
from edge_proxy.json_types import Json, extension
from edge_proxy.settings.edge import EdgeSettings


def early_request_filter(settings: EdgeSettings) -> Json:
    """Render the filter. It is early: the others see GET, and it removes the body of the final response."""
    source = readable_paths(read_descriptors(settings.descriptor_set)) + (LUA / "early_requests.lua").read_text()
    kind = "extensions.filters.http.lua.v3.Lua"
    return extension("early_requests", kind, default_source_code={"inline_string": source})
