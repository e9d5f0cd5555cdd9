"""Finished media: read from the object store, without a token, and without showing the store."""

from edge_proxy.clusters import S3
from edge_proxy.json_types import Json, extension, typed
from edge_proxy.refusals import MEDIA_NOT_FOUND, RANGE_INVALID, UNAVAILABLE, Refusal
from edge_proxy.settings import EdgeSettings

MUTATION = "envoy.filters.http.header_mutation"
LUA = "envoy.filters.http.lua"
PREFIX = "/m/"
ROUTE = "media"
# Names as the media service makes them. No query, which would reach the store's other operations (?acl, ?uploads).
PATHS = r"/m/[A-Za-z0-9_-][A-Za-z0-9._-]*(/[A-Za-z0-9_-][A-Za-z0-9._-]*)*"
# A slow phone may take as long as it needs, while bytes go on flowing.
IDLE_TIMEOUT = "60s"
STORE_HEADERS = ("x-amz-", "x-seaweedfs-", "seaweed-")
# The store's status to our answer. 304 and 206 are as good as 200. What may not be read is not there.
REPLACED = (
    dict.fromkeys((301, 302, 303, 307, 308, 400, 401, 403, 404, 405, 410), MEDIA_NOT_FOUND)
    | {416: RANGE_INVALID}
    | dict.fromkeys((500, 501, 502, 503, 504), UNAVAILABLE)
)
SCRIPT = """
function envoy_on_response(handle)
  local headers = handle:headers()
  local answer = answers[headers:get(":status")]
  if answer == nil then return end
  headers:replace(":status", answer[1])
  headers:replace("content-type", "application/json")
  if answer[2] ~= "" then headers:replace("retry-after", answer[2]) end
  -- Last, as it waits: the headers cannot be reached any more.
  local body = handle:body()
  if body ~= nil then body:setBytes(answer[3]) end
end
"""


def media_route(settings: EdgeSettings) -> Json:
    """Render the route of `/m/…`, whose object key is the path itself."""
    address = settings.s3_address
    default_port = 443 if settings.s3_uses_tls else 80
    host = f"[{address.host}]" if ":" in address.host else address.host
    return {
        "name": ROUTE,
        "match": {
            "prefix": PREFIX,
            "headers": [
                {"name": ":method", "string_match": {"safe_regex": {"regex": "GET|HEAD"}}},
                {"name": ":path", "string_match": {"safe_regex": {"regex": PATHS}}},
            ],
        },
        "route": {
            "cluster": S3,
            "prefix_rewrite": f"/{settings.s3_bucket}{PREFIX}",
            "host_rewrite_literal": host if address.port == default_port else f"{host}:{address.port}",
            "timeout": "0s",
            "idle_timeout": IDLE_TIMEOUT,
            "retry_policy": {"retry_on": "connect-failure,refused-stream,reset-before-request", "num_retries": 1},
        },
        # The store must neither see an app's token nor try to understand it.
        "request_headers_to_remove": ["authorization", "cookie", "content-type", "grpc-timeout", "x-forwarded-for"],
        "typed_per_filter_config": {
            MUTATION: typed(
                "extensions.filters.http.header_mutation.v3.HeaderMutationPerRoute",
                mutations={"response_mutations": _clean_response()},
            ),
            LUA: typed(
                "extensions.filters.http.lua.v3.LuaPerRoute",
                source_code={"inline_string": hide_failures()},
            ),
        },
    }


def media_filters() -> list[Json]:
    """Render the filters that the route configures; elsewhere they do nothing."""
    return [
        extension(MUTATION, "extensions.filters.http.header_mutation.v3.HeaderMutation"),
        extension(LUA, "extensions.filters.http.lua.v3.Lua"),
    ]


def _clean_response() -> list[Json]:
    nosniff = {"key": "x-content-type-options", "value": "nosniff"}
    return [
        {"append": {"header": nosniff, "append_action": "OVERWRITE_IF_EXISTS_OR_ADD"}},
        *({"remove_on_match": {"key_matcher": {"prefix": prefix}}} for prefix in STORE_HEADERS),
    ]


def hide_failures() -> str:
    """Write the script that replaces what the store says of a failure: XML with its names in it.

    Envoy has an extension for this, which its makers do not call safe yet.
    """
    answers = "".join(f'  ["{theirs}"] = {_lua_answer(ours)},\n' for theirs, ours in REPLACED.items())
    return f"local answers = {{\n{answers}}}\n{SCRIPT}"


def _lua_answer(refusal: Refusal) -> str:
    return f'{{"{refusal.http_status}", "{refusal.retry_after_seconds or ""}", [==[{refusal.json()}]==]}}'
