"""Media under `/m/…` and `/p/…`, read from the object store without revealing it."""

from edge_proxy.answers.refusals import MEDIA_NOT_FOUND, PRECONDITION_FAILED, RANGE_INVALID, UNAVAILABLE, Refusal
from edge_proxy.contracts import PICK_RENDITION, Method
from edge_proxy.envoy import capabilities
from edge_proxy.envoy.clusters import S3
from edge_proxy.envoy.filters.cors import MEDIA_RESPONSE_HEADERS, media_preflights, no_cors
from edge_proxy.envoy.filters.rest_requests import LUA as SCRIPTS
from edge_proxy.json_types import Json, extension, typed
from edge_proxy.settings.edge import EdgeSettings
from edge_proxy.settings.media import media_cache

CACHE = "envoy.filters.http.cache_v2"
MUTATION = "envoy.filters.http.header_mutation"
LUA = "envoy.filters.http.lua"
MUTATION_PER_ROUTE = "extensions.filters.http.header_mutation.v3.HeaderMutationPerRoute"
REDIRECT = "media_redirect"
PREFIX = "/m/"
ROUTE, PRIVATE_ROUTE = "media", "private media"
# Object names of the media service. No query: it would reach other operations of the store (?acl, ?uploads).
PATHS = r"/m/[A-Za-z0-9_-][A-Za-z0-9._-]*(/[A-Za-z0-9_-][A-Za-z0-9._-]*)*"
# A slow phone may take as long as it needs while bytes flow.
IDLE_TIMEOUT = "60s"
# As long as an address of a private medium lasts at least.
PRIVATE_SECONDS = 3600
RETRY = {
    "retry_on": "connect-failure,refused-stream,reset-before-request,retriable-status-codes",
    # 412 with If-Range, 418 after the headers were asked for (media_conditions.lua).
    "retriable_status_codes": [412, 418],
    "num_retries": 2,
}
STORE_HEADERS = ("x-envoy-", "x-amz-", "x-seaweedfs-", "seaweed-", "access-control-")
NOT_FOR_STORE = ("authorization", "cookie", "content-type", "grpc-timeout", "origin", "x-forwarded-for")
# Maps the store's status to our response. Forbidden means not found.
ERRORS_BY_STATUS = (
    dict.fromkeys((301, 302, 303, 307, 308, 400, 401, 403, 404, 405, 410), MEDIA_NOT_FOUND)
    | {412: PRECONDITION_FAILED, 416: RANGE_INVALID, 417: PRECONDITION_FAILED}
    # 418: a retry that was not possible (media_conditions.lua).
    | dict.fromkeys((418, 500, 501, 502, 503, 504), UNAVAILABLE)
)
# Serve media as inert files: no scripts, no sniffing, embeddable anywhere.
HEADERS = {
    "x-content-type-options": "nosniff",
    "content-security-policy": "default-src 'none'; sandbox",
    "cross-origin-resource-policy": "cross-origin",
    "access-control-allow-origin": "*",
    "access-control-expose-headers": ",".join(MEDIA_RESPONSE_HEADERS),
}
REDIRECT_SCRIPT = """
function envoy_on_response(handle)
  local headers = handle:headers()
  -- REST only: gRPC libraries treat any status but 200 as a broken server.
  if string.find(headers:get("content-type") or "", "^application/grpc") then return end
  if headers:get(":status") == "200" and headers:get("location") ~= nil then headers:replace(":status", "302") end
end
"""


def media_routes(settings: EdgeSettings) -> list[Json]:
    """Render the routes of `/m/…`, whose path is the object key, and of `/p/…`, which needs a capability and keys."""
    cache = {CACHE: typed("config.route.v3.FilterConfig", config={})} if settings.edge_media_cache_mib else {}
    public = _route(ROUTE, PREFIX, PATHS, public_script(settings), cache)
    private = _route(PRIVATE_ROUTE, capabilities.PREFIX, capabilities.PATHS, private_script(settings), {})
    return [public, *([private] if settings.media_url_keys_file else [])]


def _route(name: str, prefix: str, paths: str, script: str, cache: Json) -> Json:
    return {
        "name": name,
        "match": {
            "prefix": prefix,
            "headers": [
                {"name": ":method", "string_match": {"safe_regex": {"regex": "GET|HEAD"}}},
                {"name": ":path", "string_match": {"safe_regex": {"regex": paths}}},
            ],
        },
        "route": {
            "cluster": S3,
            "timeout": "0s",
            "idle_timeout": IDLE_TIMEOUT,
            "retry_policy": RETRY,
        },
        "typed_per_filter_config": {
            **cache,
            **no_cors(),
            MUTATION: typed(
                MUTATION_PER_ROUTE,
                mutations={"request_mutations": _clean_request(), "response_mutations": _clean_response()},
            ),
            LUA: typed("extensions.filters.http.lua.v3.LuaPerRoute", source_code={"inline_string": script}),
        },
    }


def other_media_routes(settings: EdgeSettings) -> list[Json]:
    """Render routes below `/m/` and `/p/` for preflights, and for calls that are transcoded later or unknown."""
    action = {"cluster": "unknown", "cluster_not_found_response_code": "NOT_FOUND"}
    prefixes = {"media": PREFIX, **({"private media": capabilities.PREFIX} if settings.media_url_keys_file else {})}
    is_preflight = [{"name": ":method", "string_match": {"exact": "OPTIONS"}}]
    return [
        route
        for name, prefix in prefixes.items()
        for route in (
            {
                "name": f"{name} preflights",
                "match": {"prefix": prefix, "headers": is_preflight},
                "route": action,
                "typed_per_filter_config": media_preflights(),
            },
            {
                "name": f"other {name}",
                "match": {"prefix": prefix},
                "route": action,
                "typed_per_filter_config": {**no_cors(), **for_all_origins()},
            },
        )
    ]


def for_all_origins() -> Json:
    """Render the route configuration that lets all web pages read the response."""
    return {MUTATION: typed(MUTATION_PER_ROUTE, mutations={"response_mutations": _set(HEADERS)})}


def media_filters(settings: EdgeSettings) -> list[Json]:
    """Render the filters that the route configures. They do nothing on other routes."""
    return [
        extension(MUTATION, "extensions.filters.http.header_mutation.v3.HeaderMutation"),
        # Keep the chosen route: the store's path matches none of ours.
        extension(LUA, "extensions.filters.http.lua.v3.Lua", clear_route_cache=False),
        *([_cache(settings)] if settings.edge_media_cache_mib else []),
    ]


def redirect_filter() -> Json:
    """Render the filter that turns PickRendition's response into a redirect. It runs before the transcoder."""
    return extension(REDIRECT, "extensions.filters.http.lua.v3.Lua")


def redirect_config(method: Method) -> Json:
    """Render the route's configuration of that filter."""
    if method.path != PICK_RENDITION:
        return {}
    script = typed("extensions.filters.http.lua.v3.LuaPerRoute", source_code={"inline_string": REDIRECT_SCRIPT})
    return {REDIRECT: script, **for_all_origins()}


def _cache(settings: EdgeSettings) -> Json:
    """Render the cache: files in the edge's folder; the least recently used are deleted first."""
    return {
        **extension(
            CACHE,
            "extensions.filters.http.cache_v2.v3.CacheV2Config",
            typed_config=typed(
                "extensions.http.cache_v2.file_system_http_cache.v3.FileSystemHttpCacheV2Config",
                manager_config={"thread_pool": {"thread_count": 1}},
                cache_path=str(media_cache(settings)),
                max_cache_size_bytes=settings.edge_media_cache_mib * 1024 * 1024,
            ),
            # Reloading a page must not fetch its pictures from the store again.
            ignore_request_cache_control_header=True,
        ),
        "disabled": True,
    }


def _clean_request() -> list[Json]:
    """Remove headers that the store must not see or would interpret."""
    return [{"remove": header} for header in NOT_FOR_STORE]


def _clean_response() -> list[Json]:
    return [*({"remove_on_match": {"key_matcher": {"prefix": prefix}}} for prefix in STORE_HEADERS), *_set(HEADERS)]


def _set(headers: dict[str, str]) -> list[Json]:
    return [
        {"append": {"header": {"key": key, "value": value}, "append_action": "OVERWRITE_IF_EXISTS_OR_ADD"}}
        for key, value in headers.items()
    ]


def public_script(settings: EdgeSettings) -> str:
    """Return the script that sets the store's path, replaces errors and hides private files."""
    return _script(settings, f"local hidden = {_lua_answer(MEDIA_NOT_FOUND)}\n")


def private_script(settings: EdgeSettings) -> str:
    """Return the script of files whose capability has been verified: it hides none, and lets only browsers cache them."""
    return _script(settings, f'local private_age = "private, max-age={PRIVATE_SECONDS}, immutable"\n')


def _script(settings: EdgeSettings, rule: str) -> str:
    answers = "".join(f'  ["{theirs}"] = {_lua_answer(ours)},\n' for theirs, ours in ERRORS_BY_STATUS.items())
    names = f'local bucket = "/{settings.s3_bucket}"\nlocal host = "{_store_host(settings)}"\n'
    return f"{names}{rule}local answers = {{\n{answers}}}\n{(SCRIPTS / 'media_store.lua').read_text()}"


def _store_host(settings: EdgeSettings) -> str:
    address = settings.s3_address
    host = f"[{address.host}]" if ":" in address.host else address.host
    return host if address.port == (443 if settings.s3_uses_tls else 80) else f"{host}:{address.port}"


def _lua_answer(refusal: Refusal) -> str:
    return f'{{"{refusal.http_status}", "{refusal.retry_after_seconds or ""}", [==[{refusal.json()}]==]}}'
