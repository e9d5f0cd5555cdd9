"""Errors that a service's gRPC library made, in our words: no answer carries a library's text."""

from google.rpc.code_pb2 import Code

from edge_proxy.answers import refusals
from edge_proxy.answers.refusals import Refusal
from edge_proxy.envoy.filters.rest_requests import LUA
from edge_proxy.envoy.filters.rest_schema import lua_literal
from edge_proxy.envoy.local_replies import grpc_headers
from edge_proxy.json_types import Json, extension, typed

NAME = "service_errors"
# All other codes are INTERNAL. A stopping server answers with CANCELLED.
REPLACEMENTS: dict[Code.ValueType, Refusal] = {
    Code.CANCELLED: refusals.UNAVAILABLE,
    Code.INVALID_ARGUMENT: refusals.BODY_MALFORMED,
    Code.DEADLINE_EXCEEDED: refusals.DEADLINE_EXCEEDED,
    Code.RESOURCE_EXHAUSTED: refusals.OVERLOADED,
    Code.UNIMPLEMENTED: refusals.METHOD_UNKNOWN,
    Code.UNAVAILABLE: refusals.UNAVAILABLE,
    Code.INTERNAL: refusals.INTERNAL,
}


def service_error_filter() -> Json:
    """Render the filter."""
    errors = {str(int(code)): _headers(refusal) for code, refusal in REPLACEMENTS.items()}
    malformed = str(int(Code.INVALID_ARGUMENT))
    source = f"local errors = {lua_literal(errors)}\nlocal malformed = {lua_literal(malformed)}\n"
    kind = "extensions.filters.http.lua.v3.Lua"
    script = {"inline_string": source + (LUA / "service_errors.lua").read_text()}
    return extension(NAME, kind, default_source_code=script)


def keep_errors() -> Json:
    """Render the route configuration that turns the filter off."""
    return {NAME: typed("extensions.filters.http.lua.v3.LuaPerRoute", disabled=True)}


def _headers(refusal: Refusal) -> dict[str, str]:
    return grpc_headers(refusal) | {"grpc-message": refusal.message}
