"""Where Redis is: one server, or a cluster, by one URL.

One server: `redis://`, `rediss://` (TLS) or `unix://`, as redis-py reads them. A cluster: `redis+cluster://` or
`rediss+cluster://` with one node or more, comma-separated (`redis+cluster://user:password@a:6379,b:6379`). Any live node will do,
the others are learnt from it; name more than one, so that a process can start while that one is away.
"""

import ssl
from dataclasses import dataclass, replace
from typing import Any, cast
from urllib.parse import urlsplit

from redis.asyncio.connection import SSLConnection, parse_url

CLUSTER_SUFFIX = "+cluster"
_SCHEMES = ("redis", "rediss", "unix", "redis+cluster", "rediss+cluster")
_DEFAULT_PORT = 6379


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One server, and how to greet it."""

    host: str
    port: int
    path: str | None = None
    tls: ssl.SSLContext | None = None
    username: str | None = None
    password: str | None = None
    db: int = 0

    def at(self, host: str, port: int) -> "Endpoint":
        """Return another server that is greeted in the same way."""
        return replace(self, host=host, port=port)


@dataclass(frozen=True, slots=True)
class RedisUrl:
    """A URL that was read: the same URL for each named node alone, as redis-py wants it."""

    nodes: tuple[str, ...]
    is_cluster: bool

    @property
    def options(self) -> dict[str, Any]:
        """What the URL says but for host and port, as arguments of redis-py's connections."""
        return {name: value for name, value in _read(self.nodes[0]).items() if name not in ("host", "port")}

    @property
    def endpoints(self) -> list[Endpoint]:
        """The named nodes, for connections of our own."""
        return [_endpoint(node) for node in self.nodes]


def read_redis_url(url: str) -> RedisUrl:
    """Read a URL. Raises ValueError, whose text does not tell the password, for one that names no Redis."""
    scheme, separator, _ = url.partition("://")
    if not separator or scheme not in _SCHEMES:
        raise ValueError(f"it must begin with one of {', '.join(f'{each}://' for each in _SCHEMES)}")
    if not scheme.endswith(CLUSTER_SUFFIX):
        _read(url)
        return RedisUrl((url,), is_cluster=False)
    nodes = tuple(_split(url))
    for node in nodes:
        if not urlsplit(node).hostname:
            raise ValueError(f"a cluster needs host:port, comma-separated, after {scheme}://")
        if _read(node).get("db"):
            raise ValueError("a cluster has only database 0")
    return RedisUrl(nodes, is_cluster=True)


def _split(url: str) -> list[str]:
    """Give each node a URL of its own."""
    parts = urlsplit(url)
    credentials, at, hosts = parts.netloc.rpartition("@")
    scheme = parts.scheme.removesuffix(CLUSTER_SUFFIX)
    return [
        parts._replace(scheme=scheme, netloc=f"{credentials}{at}{host.strip()}").geturl() for host in hosts.split(",")
    ]


def _read(url: str) -> dict[str, Any]:
    return cast("dict[str, Any]", parse_url(url))


def _endpoint(url: str) -> Endpoint:
    read = _read(url)
    return Endpoint(
        host=read.get("host") or "127.0.0.1",
        port=read.get("port") or _DEFAULT_PORT,
        path=read.get("path"),
        tls=_tls(read) if read.get("connection_class") is SSLConnection else None,
        username=read.get("username"),
        password=read.get("password"),
        db=int(read.get("db") or 0),
    )


def _tls(read: dict[str, Any]) -> ssl.SSLContext:
    """Make the context that redis-py would, so that both of our clients trust the same."""
    return SSLConnection(**{name: value for name, value in read.items() if name.startswith("ssl_")}).ssl_context.get()
