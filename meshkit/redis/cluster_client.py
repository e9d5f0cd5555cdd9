"""The client of a Redis Cluster: redis-py's, with the failures and the bound of connections that the client of one server has."""

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

# A pipeline that meets one of these may have met servers that are no more, or have other slots by now.
_STALE = (RedisConnectionError, RedisTimeoutError, ClusterDownError, SlotNotCoveredError)


class ClusterClient(RedisCluster):
    """A cluster, of which each server takes at most `max_connections` connections; further commands wait for one.

    A cluster that cannot be reached, is down, or does not have a slot for now raises ConnectionError: for callers, Redis is away.
    """

    def __init__(self, url: RedisUrl, *, max_connections: int, **options: Any) -> None:
        arguments = {**url.options, **options}
        arguments["ssl"] = (
            arguments.pop("connection_class", None) is not None
        )  # a cluster's URL names a class only for TLS
        super().__init__(
            startup_nodes=[ClusterNode(node.host, node.port) for node in url.endpoints],
            # Who has lost one master goes on with the others.
            require_full_coverage=False,
            # No hidden retries: see `open_redis`. Redirections are followed all the same.
            retry=Retry(NoBackoff(), 0),
            # A slot that has moved is noted. Without this, some redirections later, all connections would be closed under
            # those who use them, and nobody could tell which of their commands were executed.
            reinitialize_steps=0,
            # Pipelines take theirs beside those of commands; redis-py raises where there is none left.
            max_connections=2 * max_connections,
            **arguments,
        )
        self._free = asyncio.Semaphore(max_connections)
        # What is asked of one server as a whole is asked of all masters; redis-py picks one.
        self.command_flags |= dict.fromkeys(("DBSIZE", "KEYS", "PING"), self.PRIMARIES)

    async def initialize(self, *args: Any, **kwargs: Any) -> "RedisCluster":
        """Learn the cluster's map, where that is to be done."""
        try:
            return await super().initialize(*args, **kwargs)
        except RedisClusterException as error:
            raise RedisConnectionError("the cluster cannot be reached") from error

    async def execute_command(self, *args: Any, **kwargs: Any) -> Any:
        """Run a command."""
        try:
            async with self._free:
                # As long as redis-py has no map, it sends commands to masters picked at random, to be told better.
                await self.initialize()
                return await super().execute_command(*args, **kwargs)
        except (ClusterError, SlotNotCoveredError) as error:
            raise RedisConnectionError(f"the cluster cannot serve this now: {error}") from error

    def pipeline(self, transaction: Any | None = None, shard_hint: Any | None = None) -> ClusterPipeline:
        """Make a pipeline. One that is a transaction takes keys of one slot, any other keys of all slots."""
        if shard_hint:
            raise ValueError("redis-py has no shard hints for clusters")
        return _Pipeline(self, transaction)  # type: ignore[abstract]  # so is redis-py's own, by a mistake in its types


class _Pipeline(ClusterPipeline):
    """One after whose failure the client learns the map anew, as after that of a command."""

    async def execute(self, *args: Any, **kwargs: Any) -> list[Any]:
        try:
            return await super().execute(*args, **kwargs)
        except _STALE as error:
            self.cluster_client._initialize = True  # redis-py's own sign for it, which its pipelines forget
            if isinstance(error, RedisConnectionError | RedisTimeoutError):
                raise
            raise RedisConnectionError(f"the cluster cannot serve this now: {error}") from error
