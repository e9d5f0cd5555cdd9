"""Keeps the token filters' configuration files up to date with the JWKS."""

import json

from edge_proxy.contracts import public_methods, read_descriptors
from edge_proxy.envoy.filters.filter_file import watch_key_file, write_filter_file
from edge_proxy.envoy.filters.tokens import token_configs
from edge_proxy.settings.edge import EdgeSettings
from meshkit.settings import SettingsError


def write_tokens(settings: EdgeSettings) -> None:
    """Write the files. Raises SettingsError if the JWKS is invalid."""
    methods = public_methods(read_descriptors(settings.descriptor_set))
    for name, config in token_configs(methods, _read_jwks(settings)).items():
        write_filter_file(settings, name, **config)


async def watch_token_keys(settings: EdgeSettings) -> None:
    """Rewrite the files whenever the JWKS changes. An unreadable JWKS changes nothing."""
    kept = "tokens are still verified with the previous keys"
    await watch_key_file(settings.token_jwks_file, lambda: write_tokens(settings), kept)


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
