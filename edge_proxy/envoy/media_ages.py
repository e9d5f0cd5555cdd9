"""How long the edge, and a CDN in front of it, may cache media.

The store's Cache-Control is meant for browsers (immutable) and CDNs (by popularity). The edge caches for a minute, so that
removed media disappear soon. A CDN gets the store's age in CDN-Cache-Control (RFC 9213) and is purged on removal.
"""

from edge_proxy.envoy.filters.rest_requests import LUA
from edge_proxy.envoy.media_signing import signing_filter
from edge_proxy.json_types import Json, extension, typed
from edge_proxy.settings.edge import EdgeSettings

OWN_SECONDS = 60
SCRIPT = f"""
function envoy_on_response(handle)
  local headers = handle:headers()
  -- The body is the same for all clients. The edge sets the CORS headers itself.
  headers:remove("vary")
  local kept = headers:get("cache-control")
  local age = kept and kept:match("s%-maxage=(%d+)")
  if age then
    headers:replace("cdn-cache-control", "public, max-age=" .. age)
    headers:replace("cache-control", (kept:gsub("s%-maxage=%d+", "s-maxage={OWN_SECONDS}")))
  end
end
"""


def store_protocol(settings: EdgeSettings) -> Json:
    """Render the options of the store's cluster. Responses pass the scripts before they are cached."""
    filters = [
        # Its own name, because the route configures the filter with the usual name.
        extension(
            "media_ages",
            "extensions.filters.http.lua.v3.Lua",
            default_source_code={"inline_string": SCRIPT},
        ),
        extension(
            "media_conditions",
            "extensions.filters.http.lua.v3.Lua",
            default_source_code={"inline_string": (LUA / "media_conditions.lua").read_text()},
        ),
        # Last, after everything that changes the request.
        signing_filter(settings),
        extension("envoy.filters.http.upstream_codec", "extensions.filters.http.upstream_codec.v3.UpstreamCodec"),
    ]
    kind = "extensions.upstreams.http.v3.HttpProtocolOptions"
    options = typed(kind, explicit_http_config={"http_protocol_options": {}}, http_filters=filters)
    return {"envoy.extensions.upstreams.http.v3.HttpProtocolOptions": options}
