"""Checks that the body of a gRPC call is exactly one framed message.

A gRPC server would wait for a missing or incomplete message until the deadline. REST calls need no check: the
transcoder makes their frames.
"""

from edge_proxy.json_types import Json, extension, typed

NAME = "frames"
# A frame is a byte for "compressed", four for the length (big-endian), and the message.
CHECK = """\
function envoy_on_request(call)
  local encoding = call:headers():get("grpc-encoding") or "identity"
  local body = call:body()
  local size = body and body:length() or 0
  if size >= 5 then
    local compressed, a, b, c, d = body:getBytes(0, 5):byte(1, 5)
    local is_whole = 5 + ((a * 256 + b) * 256 + c) * 256 + d == size
    if is_whole and (compressed == 0 or compressed == 1 and encoding ~= "identity") then
      -- For service_errors.lua: a service cannot say that the compressed bytes were wrong.
      if compressed == 1 then call:streamInfo():dynamicMetadata():set("lensfeed.frame", "is_compressed", true) end
      return
    end
  end
  call:respond({[":status"] = "400"}, "")
end
"""


def frame_filter() -> Json:
    """Render the filter that refuses other bodies. It runs after buffering and the gRPC-Web translation.

    It is off unless a route turns it on.
    """
    kind = "extensions.filters.http.lua.v3.Lua"
    return extension(NAME, kind, default_source_code={"inline_string": CHECK}) | {"disabled": True}


def check_frames() -> Json:
    """Render the route configuration that turns the check on."""
    return {NAME: typed("config.route.v3.FilterConfig", config={})}
