"""What the body of a gRPC call must be: one message in its frame.

For a message that does not come, or not whole, a gRPC server waits up to the deadline. REST needs none of this: the transcoder
makes its frames itself.
"""

from edge_proxy.json_types import Json, extension, typed

NAME = "frames"
# A frame is one byte for "compressed", four for the length (the highest first), and the message.
CHECK = """\
function envoy_on_request(call)
  local encoding = call:headers():get("grpc-encoding") or "identity"
  local body = call:body()
  local size = body and body:length() or 0
  if size >= 5 then
    local compressed, a, b, c, d = body:getBytes(0, 5):byte(1, 5)
    local is_whole = 5 + ((a * 256 + b) * 256 + c) * 256 + d == size
    if is_whole and (compressed == 0 or compressed == 1 and encoding ~= "identity") then
      return
    end
  end
  call:respond({[":status"] = "400"}, "")
end
"""


def frame_filter() -> Json:
    """Render the filter that refuses other bodies. It stands where the whole body is there, and gRPC-Web is gRPC.

    It is off, except on routes that turn it on: a call of many messages has other bodies, and REST has none of this.
    """
    kind = "extensions.filters.http.lua.v3.Lua"
    return extension(NAME, kind, default_source_code={"inline_string": CHECK}) | {"disabled": True}


def checked() -> Json:
    """Render what turns it on for a route."""
    return {NAME: typed("config.route.v3.FilterConfig", config={})}
