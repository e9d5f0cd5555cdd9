"""redis-py's cluster client, with the errors and the connection limit of the client for one server."""

import asyncio
from typing import Any

from redis.asyncio import RedisCluster
from redis.asyncio.cluster import ClusterNode, ClusterPipeline
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import ClusterDownError, ClusterError, RedisClusterException, SlotNotCoveredError
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError

from meshkit.redis.url import RedisUrl

# After one of these errors in a pipeline, the map of slots may be out of date.
_STALE = (RedisConnectionError, RedisTimeoutError, ClusterDownError, SlotNotCoveredError)


class ClusterClient(RedisCluster):
    """A cluster client with at most `max_connections` connections per server; further commands wait.

    Raises ConnectionError if the cluster cannot be reached, is down, or has no server for a slot.
    """

    def __init__(self, url: RedisUrl, *, max_connections: int, **options: Any) -> None:
        arguments = {**url.options, **options}
        arguments["ssl"] = arguments.pop("connection_class", None) is not None  # for a cluster, only TLS sets a class
        super().__init__(
            startup_nodes=[ClusterNode(node.host, node.port) for node in url.endpoints],
            # Without one master, the others still work.
            require_full_coverage=False,
            # No hidden retries, see `open_redis`. Redirections are still followed.
            retry=Retry(NoBackoff(), 0),
            # Otherwise, after a few redirections redis-py would close all connections while they are in use, and it would be
            # unknown which commands were executed.
            reinitialize_steps=0,
            # Pipelines take connections in addition to commands, and redis-py raises if none is left.
            max_connections=2 * max_connections,
            **arguments,
        )
        self._free = asyncio.Semaphore(max_connections)
        # Send server-wide commands to all masters; redis-py would pick one.
        self.command_flags |= dict.fromkeys(("DBSIZE", "KEYS", "PING"), self.PRIMARIES)

    async def initialize(self, *args: Any, **kwargs: Any) -> "RedisCluster":
        """Load the cluster's map if needed."""
        try:
            return await super().initialize(*args, **kwargs)
        except RedisClusterException as error:
            raise RedisConnectionError("the cluster cannot be reached") from error

    async def execute_command(self, *args: Any, **kwargs: Any) -> Any:
        """Run a command."""
        try:
            async with self._free:
                # Without a map, redis-py sends commands to random masters and relies on redirections.
                await self.initialize()
                return await super().execute_command(*args, **kwargs)
        except (ClusterError, SlotNotCoveredError) as error:
            raise RedisConnectionError(f"the cluster cannot serve this now: {error}") from error

    def pipeline(self, transaction: Any | None = None, shard_hint: Any | None = None) -> ClusterPipeline:
        """Create a pipeline. A transaction may use the keys of one slot only."""
        if shard_hint:
            raise ValueError("redis-py has no shard hints for clusters")
        return _Pipeline(self, transaction)  # type: ignore[abstract]  # redis-py's own types have this mistake


class _Pipeline(ClusterPipeline):
    """A pipeline after whose failure the client reloads the map, as it does after a failed command."""

    async def execute(self, *args: Any, **kwargs: Any) -> list[Any]:
        try:
            return await super().execute(*args, **kwargs)
        except _STALE as error:
            self.cluster_client._initialize = True  # redis-py's flag for a reload, which its pipelines do not set
            if isinstance(error, RedisConnectionError | RedisTimeoutError):
                raise
            raise RedisConnectionError(f"the cluster cannot serve this now: {error}") from error
