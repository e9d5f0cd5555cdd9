"""Runs an edge in front of a feed_svc."""

import contextlib
import os
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import psutil

from devmesh.ports import address, reserved_ports
from devmesh.supervise.process import Command
from devmesh.supervise.readiness import http_status
from devmesh.supervise.running import running
from meshkit.settings import PREFIX

# Nothing listens here. These reads need only feed_svc.
_UNUSED_ADDRESS = "127.0.0.1:9"
_SERVICES = ("USER", "FOLLOW", "POST", "MEDIA")
_NO_LIMIT = "1000000/s burst 1000000"
_REFUSED = 401


@dataclass(frozen=True, slots=True)
class Edge:
    """The edge's address and the process id of its Envoy."""

    address: str
    envoy_pid: int


@contextlib.asynccontextmanager
async def running_edge(folder: Path, feed_address: str) -> AsyncIterator[Edge]:
    """Run an edge with one thread and no rate limits. It accepts tokens of the keys in `folder`/keys."""
    with reserved_ports(2) as [port, admin]:
        outer = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}
        own = {
            **{f"LENSFEED_{name}_ADDR": _UNUSED_ADDRESS for name in _SERVICES},
            "LENSFEED_FEED_ADDR": feed_address,
            "LENSFEED_EDGE_ADDR": address(port),
            "LENSFEED_EDGE_ADMIN_ADDR": address(admin),
            "LENSFEED_EDGE_DIR": str(folder / "edge"),
            "LENSFEED_EDGE_CONCURRENCY": "1",
            "LENSFEED_EDGE_LIMIT_USER": _NO_LIMIT,
            "LENSFEED_EDGE_LIMIT_ADDRESS": _NO_LIMIT,
            "LENSFEED_EDGE_S3_ACCESS_KEY": "unused",
            "LENSFEED_EDGE_S3_SECRET_KEY": "unused",
            "LENSFEED_S3_ENDPOINT_URL": f"http://{_UNUSED_ADDRESS}",
            "LENSFEED_TOKEN_JWKS_FILE": str(folder / "keys" / "jwks.json"),
        }
        argv = (sys.executable, "-m", "edge_proxy", "run")
        command = Command(argv, {**outer, **own}, folder, folder / "logs" / "edge.log")
        async with running("the edge", command, partial(_asks_who_calls, port)) as child:
            yield Edge(address(port), _envoy_of(child.pid))


async def _asks_who_calls(port: int) -> bool:
    return await http_status(port, "/feed") == _REFUSED


def _envoy_of(pid: int) -> int:
    (envoy,) = [each for each in psutil.Process(pid).children(recursive=True) if "envoy" in each.name()]
    return envoy.pid
