"""Tells Envoy how many of its connections are taken, so that idle ones close sooner when few are left.

Envoy counts them, but its overload actions can only follow a resource that reports its pressure. It reads ours from a file.
"""

import asyncio
import contextlib
from pathlib import Path

from edge_proxy.admin import Admin
from edge_proxy.settings.edge import EdgeSettings

LOOK_SECONDS = 0.5


def pressure_path(settings: EdgeSettings) -> Path:
    """Return the file with the used share of the connections, from 0 to 1."""
    return settings.edge_dir.absolute() / "connections.pressure"


def write_pressure(settings: EdgeSettings, share: float) -> None:
    """Replace the file, which Envoy notices."""
    path = pressure_path(settings)
    fresh = path.with_suffix(".new")
    fresh.write_text(f"{min(share, 1.0):.4f}")
    fresh.rename(path)


async def watch_connections(settings: EdgeSettings, admin: Admin) -> None:
    """Report the used share until cancelled. While Envoy does not answer, its last report stays."""
    while True:
        await asyncio.sleep(LOOK_SECONDS)
        with contextlib.suppress(OSError):
            write_pressure(settings, await admin.connections() / settings.edge_max_connections)
