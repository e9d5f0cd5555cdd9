"""One limit on the size of request headers, below that of gRPC servers."""

from edge_proxy.json_types import Json, extension

# All headers without cookies, counted as HTTP/2 and gRPC do: each has 32 bytes on top (RFC 9113, 6.5.2). A gRPC server refuses
# some calls above 8 KiB and all above 16 KiB, in its own words; the difference is for what the edge adds.
MAX_BYTES = 7 * 1024
CHECK = f"""\
function envoy_on_request(handle)
  local bytes = 0
  for name, value in pairs(handle:headers()) do bytes = bytes + #name + #value + 32 end
  if bytes > {MAX_BYTES} then handle:respond({{[":status"] = "431"}}, "") end
end
"""


def header_size_filter() -> Json:
    """Render the filter. It runs after the gRPC-Web translation, so that each protocol gets its own error."""
    kind = "extensions.filters.http.lua.v3.Lua"
    return extension("header_size", kind, default_source_code={"inline_string": CHECK})
