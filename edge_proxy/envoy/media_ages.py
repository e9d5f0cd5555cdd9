"""How long this edge keeps media, and how long a CDN before it may.

What the object store says of a file is for browsers (for ever) and for a CDN (by how popular it is). The edge keeps it for a
minute: what is removed from the store is gone here as soon. A CDN is told the store's age by a header of its own (RFC 9213), and
whoever removes a file purges it there.
"""

from edge_proxy.json_types import Json, extension, typed

OWN_SECONDS = 60
SCRIPT = f"""
function envoy_on_response(handle)
  local headers = handle:headers()
  -- The same bytes for everybody; which pages may read them the edge says itself.
  headers:remove("vary")
  local kept = headers:get("cache-control")
  local age = kept and kept:match("s%-maxage=(%d+)")
  if age then
    headers:replace("cdn-cache-control", "public, max-age=" .. age)
    headers:replace("cache-control", (kept:gsub("s%-maxage=%d+", "s-maxage={OWN_SECONDS}")))
  end
end
"""


def store_protocol() -> Json:
    """Render the options of the store's cluster: what it answers passes the script before the cache keeps it."""
    filters = [
        # A name of its own: under the usual one it would do what the route tells the filter in front of the cache.
        extension(
            "media_ages",
            "extensions.filters.http.lua.v3.Lua",
            default_source_code={"inline_string": SCRIPT},
        ),
        extension("envoy.filters.http.upstream_codec", "extensions.filters.http.upstream_codec.v3.UpstreamCodec"),
    ]
    kind = "extensions.upstreams.http.v3.HttpProtocolOptions"
    options = typed(kind, explicit_http_config={"http_protocol_options": {}}, http_filters=filters)
    return {"envoy.extensions.upstreams.http.v3.HttpProtocolOptions": options}
