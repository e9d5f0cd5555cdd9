"""The file of what tokens are verified by: made of the JWKS at the start, and again whenever that is replaced.

Envoy reads a JWKS once. But it takes a filter's configuration from a file anew when another file is moved to its place, with no
connection and no call disturbed.
"""

import asyncio
import json
import sys

from edge_proxy.contracts import public_methods, read_descriptors
from edge_proxy.envoy.filters.tokens import token_path, token_resource
from edge_proxy.settings.edge import EdgeSettings
from meshkit.settings import SettingsError

# How often the JWKS is looked at. A new key signs only minutes later.
LOOK_SECONDS = 2.0


def write_tokens(settings: EdgeSettings) -> None:
    """Write the file. Raises SettingsError where the JWKS is none."""
    methods = public_methods(read_descriptors(settings.descriptor_set))
    resource = token_resource(methods, _read_jwks(settings))
    path = token_path(settings)
    fresh = path.with_suffix(".new")
    fresh.write_text(json.dumps({"resources": [resource]}, indent=1))
    fresh.rename(path)


async def watch_keys(settings: EdgeSettings) -> None:
    """Write the file again whenever the JWKS is another. One that cannot be read leaves everything as it is."""
    known = _version(settings)
    while True:
        await asyncio.sleep(LOOK_SECONDS)
        if (version := _version(settings)) not in {known, None}:
            known = version
            try:
                write_tokens(settings)
            except SettingsError as error:
                sys.stderr.write(f"{error}; tokens are verified by the keys of before\n")


def _read_jwks(settings: EdgeSettings) -> str:
    try:
        jwks = settings.token_jwks_file.read_text()
        has_keys = bool(json.loads(jwks)["keys"])
    except (OSError, ValueError, TypeError, KeyError):
        has_keys = False
    if not has_keys:
        raise SettingsError(
            f"LENSFEED_TOKEN_JWKS_FILE: {settings.token_jwks_file} is no JWKS with a key;"
            " `python -m user_svc keys DIR` makes one"
        )
    return jwks


def _version(settings: EdgeSettings) -> tuple[int, int] | None:
    try:
        status = settings.token_jwks_file.stat()
    except OSError:
        return None
    return status.st_ino, status.st_mtime_ns
