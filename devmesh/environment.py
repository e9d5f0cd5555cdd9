"""Environment variables that a mesh sets for its processes."""

from collections.abc import Mapping

from devmesh.layout import Layout
from devmesh.parts.valkey import valkey_url
from devmesh.ports import address
from meshkit.settings import PREFIX

# The edge of `lensfeed dev` does not use TLS, and each part serves its metrics on a port of its own.
UNUSED = ("LENSFEED_EDGE_TLS_CERT_FILE", "LENSFEED_EDGE_TLS_KEY_FILE", "LENSFEED_METRICS_ADDR")


def fixed_settings(layout: Layout) -> dict[str, str]:
    """Return settings that connect the parts of this mesh. They override outer values."""
    s3 = layout.s3
    return {
        **{
            f"{PREFIX}{name.upper()}_ADDR": ",".join(map(address, ports))
            for name, ports in layout.ports.services.items()
        },
        "LENSFEED_EDGE_ADDR": address(layout.ports.edge),
        "LENSFEED_EDGE_DIR": str(layout.data / "edge"),
        "LENSFEED_EDGE_S3_ACCESS_KEY": s3.edge_access_key,
        "LENSFEED_EDGE_S3_SECRET_KEY": s3.edge_secret_key,
        "LENSFEED_REDIS_URL": valkey_url(layout.ports.valkey, layout.passwords.redis_password),
        "LENSFEED_S3_ACCESS_KEY": s3.access_key,
        "LENSFEED_S3_BUCKET": s3.bucket,
        "LENSFEED_S3_ENDPOINT_URL": s3.endpoint_url,
        "LENSFEED_S3_REGION": s3.region,
        "LENSFEED_S3_SECRET_KEY": s3.secret_key,
        "LENSFEED_SQLITE_DIR": str(layout.data / "sqlite"),
        "LENSFEED_TOKEN_JWKS_FILE": str(layout.keys / "jwks.json"),
        "LENSFEED_TOKEN_KEY_FILE": str(layout.keys / "token-key.pem"),
        "LENSFEED_WEBHOOK_ADDR": address(layout.ports.webhook),
        "LENSFEED_WEBHOOK_SECRET": layout.passwords.webhook_secret,
        **({"LENSFEED_MESH_TLS": str(layout.mesh_tls)} if layout.mesh_tls else {}),
        **layout.store.settings,
    }


def shared_environment(layout: Layout, outer: Mapping[str, str]) -> dict[str, str]:
    """Return the environment of every process: defaults, the outer environment, fixed settings."""
    defaults = {
        "LENSFEED_CURSOR_KEYS": layout.passwords.cursor_key,
        # On one machine all users have the same address.
        "LENSFEED_EDGE_LIMIT_ADDRESS": "",
        "LENSFEED_EDGE_LIMIT_LOG_IN": "",
        "LENSFEED_LOG_IN_FAILURES_NETWORK": "0",
        "LENSFEED_EDGE_MEDIA_CACHE_MIB": "256",  # there is no CDN on a developer's machine
        "LENSFEED_LOG_FORMAT": "console",  # people read these logs
        "LENSFEED_MEDIA_BASE_URL": f"{layout.url}/m",
        "PYTHONUNBUFFERED": "1",  # so that the last lines of a killed process reach its log
    }
    used = {name: value for name, value in outer.items() if name not in UNUSED}
    return {**defaults, **used, **fixed_settings(layout)}


def ignored_settings(layout: Layout, outer: Mapping[str, str]) -> list[str]:
    """List the outer settings that this mesh overrides."""
    fixed = {**fixed_settings(layout), "LENSFEED_LISTEN_ADDR": ""}
    replaced = {name for name, value in fixed.items() if outer.get(name, value) != value}
    return sorted(replaced | {name for name in UNUSED if name in outer})
