"""The settings that a mesh gives its processes."""

from collections.abc import Mapping

from devmesh.layout import Layout
from devmesh.parts.valkey import valkey_url
from devmesh.ports import address
from meshkit.settings import PREFIX

# The edge of a mesh on one machine is reached in the clear; these would take it from those who wait for it there.
UNUSED = ("LENSFEED_EDGE_TLS_CERT_FILE", "LENSFEED_EDGE_TLS_KEY_FILE")


def fixed_settings(layout: Layout) -> dict[str, str]:
    """List what tells the parts of this mesh of each other: a value from outside would take one of them off it."""
    s3 = layout.s3
    return {
        **{f"{PREFIX}{name.upper()}_ADDR": address(port) for name, port in layout.ports.services.items()},
        "LENSFEED_EDGE_ADDR": address(layout.ports.edge),
        "LENSFEED_EDGE_DIR": str(layout.data / "edge"),
        "LENSFEED_REDIS_URL": valkey_url(layout.ports.valkey, layout.secrets.redis_password),
        "LENSFEED_S3_ACCESS_KEY": s3.access_key,
        "LENSFEED_S3_BUCKET": s3.bucket,
        "LENSFEED_S3_ENDPOINT_URL": s3.endpoint_url,
        "LENSFEED_S3_REGION": s3.region,
        "LENSFEED_S3_SECRET_KEY": s3.secret_key,
        "LENSFEED_SQLITE_DIR": str(layout.data / "sqlite"),
        "LENSFEED_TOKEN_JWKS_FILE": str(layout.keys / "jwks.json"),
        "LENSFEED_TOKEN_KEY_FILE": str(layout.keys / "token-key.pem"),
        "LENSFEED_WEBHOOK_ADDR": address(layout.ports.webhook),
        "LENSFEED_WEBHOOK_SECRET": layout.secrets.webhook_secret,
        **({"LENSFEED_MESH_TLS": str(layout.mesh_tls)} if layout.mesh_tls else {}),
        **layout.store.settings,
    }


def shared_environment(layout: Layout, outer: Mapping[str, str]) -> dict[str, str]:
    """Make the environment of every process: the outer one, defaults that it may replace, and what is fixed."""
    defaults = {
        "LENSFEED_CURSOR_KEYS": layout.secrets.cursor_key,
        # On one machine all people have one address.
        "LENSFEED_EDGE_LIMIT_ADDRESS": "",
        "LENSFEED_EDGE_LIMIT_LOG_IN": "",
        "LENSFEED_EDGE_MEDIA_CACHE_MIB": "256",  # there is no CDN
        "LENSFEED_LOG_FORMAT": "console",  # people read these logs, and this command shows the ends of them
        "LENSFEED_MEDIA_BASE_URL": f"{layout.url}/m",
        "PYTHONUNBUFFERED": "1",  # the last words of a process that is killed reach its log
    }
    used = {name: value for name, value in outer.items() if name not in UNUSED}
    return {**defaults, **used, **fixed_settings(layout)}


def ignored_settings(layout: Layout, outer: Mapping[str, str]) -> list[str]:
    """Name what the outer environment sets and this mesh sets otherwise."""
    fixed = {**fixed_settings(layout), "LENSFEED_LISTEN_ADDR": ""}
    replaced = {name for name, value in fixed.items() if outer.get(name, value) != value}
    return sorted(replaced | {name for name in UNUSED if name in outer})
