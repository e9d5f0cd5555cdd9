"""Turns the answer of a service whose caller already has the answer into a 304, in REST."""

from edge_proxy.contracts import Method
from edge_proxy.envoy.filters.rest_requests import LUA
from edge_proxy.json_types import Json, extension, typed

NAME = "not_modified"


def not_modified_filter() -> Json:
    """Render the filter. Routes turn it on. It runs before the transcoder, so that it sees REST responses."""
    return extension(NAME, "extensions.filters.http.lua.v3.Lua")


def not_modified_config(method: Method) -> Json:
    """Render the route configuration that turns the filter on for a conditional method."""
    if not method.is_conditional:
        return {}
    script = {"inline_string": (LUA / "not_modified.lua").read_text()}
    return {NAME: typed("extensions.filters.http.lua.v3.LuaPerRoute", source_code=script)}
