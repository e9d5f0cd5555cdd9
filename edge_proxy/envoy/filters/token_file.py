"""Keeps the token filter's configuration file up to date with the JWKS.

Envoy reads a JWKS once, but reloads a filter's configuration when another file is moved into its place. Connections and
calls are not disturbed.
"""

import asyncio
import json
import sys

from edge_proxy.contracts import public_methods, read_descriptors
from edge_proxy.envoy.filters.tokens import token_path, token_resources
from edge_proxy.settings.edge import EdgeSettings
from meshkit.settings import SettingsError

# How often the JWKS is checked. A new key is used only minutes later.
POLL_SECONDS = 2.0


def write_tokens(settings: EdgeSettings) -> None:
    """Write the file. Raises SettingsError if the JWKS is invalid."""
    methods = public_methods(read_descriptors(settings.descriptor_set))
    for name, resource in token_resources(methods, _read_jwks(settings)).items():
        path = token_path(settings, name)
        fresh = path.with_suffix(".new")
        fresh.write_text(json.dumps({"resources": [resource]}, indent=1))
        fresh.rename(path)


async def watch_keys(settings: EdgeSettings) -> None:
    """Rewrite the file whenever the JWKS changes. An unreadable JWKS changes nothing."""
    known = _version(settings)
    while True:
        await asyncio.sleep(POLL_SECONDS)
        if (version := _version(settings)) not in {known, None}:
            known = version
            try:
                write_tokens(settings)
            except SettingsError as error:
                sys.stderr.write(f"{error}; tokens are still verified with the previous keys\n")


def _read_jwks(settings: EdgeSettings) -> str:
    try:
        jwks = settings.token_jwks_file.read_text()
        has_keys = bool(json.loads(jwks)["keys"])
    except (OSError, ValueError, TypeError, KeyError):
        has_keys = False
    if not has_keys:
        raise SettingsError(
            f"LENSFEED_TOKEN_JWKS_FILE: {settings.token_jwks_file} is not a JWKS with a key;"
            " `python -m user_svc keys DIR` creates one"
        )
    return jwks


def _version(settings: EdgeSettings) -> tuple[int, int] | None:
    try:
        status = settings.token_jwks_file.stat()
    except OSError:
        return None
    return status.st_ino, status.st_mtime_ns
