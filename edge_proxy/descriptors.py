"""File descriptors: each connection takes one, and a process that has none left can neither accept nor answer."""

import resource

from edge_proxy.settings.edge import EdgeSettings
from meshkit.settings import SettingsError

RESERVED = 2_048
"""Kept for connections to services and S3, health checks, the administration and files."""
ENOUGH = 1_048_576
"""Some systems know no hard limit. Envoy sizes nothing by it, but the kernel refuses more."""


def fit_connections(settings: EdgeSettings) -> EdgeSettings:
    """Raise this process's limit of descriptors, and return settings whose connections fit into it.

    Raises SettingsError where LENSFEED_EDGE_MAX_CONNECTIONS was set to more.
    """
    limit = _raise_limit()
    most = limit - RESERVED
    if settings.edge_max_connections <= most:
        return settings
    if most < 1 or "edge_max_connections" in settings.model_fields_set:
        raise SettingsError(
            f"LENSFEED_EDGE_MAX_CONNECTIONS: {settings.edge_max_connections} connections need"
            f" {settings.edge_max_connections + RESERVED} file descriptors, and this process may have {limit};"
            " set fewer, or raise its hard limit (ulimit -Hn, LimitNOFILE= of systemd)"
        )
    return settings.model_copy(update={"edge_max_connections": most})


def _raise_limit() -> int:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = ENOUGH if hard == resource.RLIM_INFINITY else min(hard, ENOUGH)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    return wanted
