"""Media under `/p/…`: the path holds a capability, which Envoy verifies without asking anyone.

`/p/<kid><exp>.<mac>/<mediaId>/<name>`: until `exp` (Unix seconds), and for this medium only, whoever has the address may read the
file. `mac` is the signature of a JSON Web Token (HS256) that capabilities.lua puts together from the path. Names in playlists
are relative, so a playlist's segments have the capability of the playlist.
"""

import base64
import binascii
import json
import re
from pathlib import Path

from edge_proxy.envoy.filters.filter_file import filter_from_file, watch_key_file, write_filter_file
from edge_proxy.envoy.filters.rest_requests import LUA as SCRIPTS
from edge_proxy.json_types import Json, extension
from edge_proxy.settings.edge import EdgeSettings
from meshkit.settings import SettingsError
from meshkit.token_expiry import EDGE_SKEW_SECONDS

PREFIX = "/p/"
ISSUER = PROVIDER = "media"
FILTER = "media_capabilities"
COMPOSER = "compose_capabilities"
# capabilities.lua sets it. Apps cannot send it.
HEADER = "x-lensfeed-capability"
PATHS = r"/p/[a-z]+[0-9]+\.[A-Za-z0-9_-]+/[A-Za-z0-9_-]+(/[A-Za-z0-9_-][A-Za-z0-9._-]*)+"
REMEMBERED_CAPABILITIES = 10_000
KEY_ID = re.compile(r"[a-z]{1,8}")
# As long as the hash: a shorter key would be easier to guess than the signature.
KEY_BYTES = 32


def capability_filters(settings: EdgeSettings) -> list[Json]:
    """Render the filters that verify capabilities: none without keys. They run before the path is changed for the store."""
    if settings.media_url_keys_file is None:
        return []
    source = (SCRIPTS / "capabilities.lua").read_text()
    kind = "extensions.filters.http.lua.v3.Lua"
    composer = extension(COMPOSER, kind, default_source_code={"inline_string": source}, clear_route_cache=False)
    return [composer, filter_from_file(settings, FILTER)]


def write_capabilities(settings: EdgeSettings) -> None:
    """Write the filter's file if there are keys. Raises SettingsError if they are invalid."""
    if settings.media_url_keys_file is not None:
        provider = _provider(_read_keys(settings.media_url_keys_file))
        rules = [{"match": {"prefix": PREFIX}, "requires": {"provider_name": PROVIDER}}]
        # Otherwise a refusal has a WWW-Authenticate header. There is nothing to log in to.
        write_filter_file(settings, FILTER, providers={PROVIDER: provider}, rules=rules, strip_failure_response=True)


async def watch_capability_keys(settings: EdgeSettings) -> None:
    """Rewrite the file whenever the keys change. Unreadable keys change nothing."""
    if settings.media_url_keys_file is not None:
        kept = "addresses of private media are still verified with the previous keys"
        await watch_key_file(settings.media_url_keys_file, lambda: write_capabilities(settings), kept)


def _provider(jwks: str) -> Json:
    return {
        "issuer": ISSUER,
        "require_expiration": True,
        "clock_skew_seconds": EDGE_SKEW_SECONDS,
        "from_headers": [{"name": HEADER}],
        "forward": False,
        "local_jwks": {"inline_string": jwks},
        # An address is given to all who may see its post, and names several files. The expiry is always looked at.
        "jwt_cache_config": {"jwt_cache_size": REMEMBERED_CAPABILITIES},
    }


def _read_keys(file: Path) -> str:
    """Return the keys as the JWKS that Envoy gets."""
    try:
        keys = [{"kid": each["kid"], "k": each["k"]} for each in json.loads(file.read_text())["keys"]]
        fit = bool(keys) and all(KEY_ID.fullmatch(each["kid"]) and _size(each["k"]) >= KEY_BYTES for each in keys)
    except (OSError, ValueError, TypeError, KeyError):
        fit = False
    if not fit:
        raise SettingsError(
            f"LENSFEED_MEDIA_URL_KEYS_FILE: {file} is not a JWKS of keys for HS256, each with a `kid` of 1 to 8 lowercase letters"
            f" and a `k` of at least {KEY_BYTES} bytes in base64url"
        )
    return json.dumps({"keys": [{"kty": "oct", "alg": "HS256", **each} for each in keys]})


def _size(encoded: str) -> int:
    try:
        return len(base64.b64decode(encoded + "=" * (-len(encoded) % 4), altchars=b"-_", validate=True))
    except binascii.Error:
        return 0
