"""The URL of a Redis server or cluster.

redis-py parses the URLs of servers: `redis://`, `rediss://` (TLS) and `unix://`. It has none for clusters, so this adds
`redis+cluster://` and `rediss+cluster://` with comma-separated nodes (`redis+cluster://user:password@a:6379,b:6379`). The other
nodes are discovered; name several, so that a process can start while one is down.
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
    """One server and its credentials."""

    host: str
    port: int
    path: str | None = None
    tls: ssl.SSLContext | None = None
    username: str | None = None
    password: str | None = None
    db: int = 0

    def at(self, host: str, port: int) -> "Endpoint":
        """Return another server with the same credentials."""
        return replace(self, host=host, port=port)


@dataclass(frozen=True, slots=True)
class RedisUrl:
    """A parsed URL: one URL per named node, in redis-py's form."""

    nodes: tuple[str, ...]
    is_cluster: bool

    @property
    def options(self) -> dict[str, Any]:
        """The URL's options without host and port, as arguments of redis-py's connections."""
        return {name: value for name, value in _read(self.nodes[0]).items() if name not in ("host", "port")}

    @property
    def endpoints(self) -> list[Endpoint]:
        """The named nodes, for the multiplexed connection."""
        return [_endpoint(node) for node in self.nodes]


def read_redis_url(url: str) -> RedisUrl:
    """Parse a URL. Raises ValueError, without the password in its text, for an invalid one."""
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
    """Return one URL per node."""
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
    """Create the context as redis-py does, so that both clients trust the same certificates."""
    return SSLConnection(**{name: value for name, value in read.items() if name.startswith("ssl_")}).ssl_context.get()
