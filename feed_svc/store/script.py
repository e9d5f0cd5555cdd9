"""Lua scripts over the multiplexed connection."""

import hashlib
from collections.abc import Sequence
from typing import Any

from redis.exceptions import NoScriptError

from meshkit.redis.mux import RedisMux

Argument = str | bytes | int
# A key, and the arguments that follow it.
Call = tuple[str, Sequence[Argument]]


class Script:
    """A script of timelines. It must be repeatable: if a server does not know it yet, all calls are sent again."""

    def __init__(self, mux: RedisMux, source: str) -> None:
        self._mux = mux
        self._source = source
        self._sha = hashlib.sha1(source.encode(), usedforsecurity=False).hexdigest()

    async def __call__(self, key: str, *arguments: Argument) -> Any:
        """Run it for one key."""
        return (await self._run([(1, key, *arguments)]))[0]

    async def on(self, keys: Sequence[str], *arguments: Argument) -> Any:
        """Run it once for keys of one slot."""
        return (await self._run([(len(keys), *keys, *arguments)]))[0]

    async def many(self, calls: Sequence[Call]) -> list[Any]:
        """Run it for many keys in one round trip; returns the answers in order."""
        return await self._run([(1, key, *rest) for key, rest in calls])

    async def for_each(self, keys: Sequence[str], *arguments: Argument) -> None:
        """Run a script that takes any number of keys: once, or in a cluster, where each key has its own slot, for each."""
        if self._mux.is_cluster:
            await self.many([(key, arguments) for key in keys])
        else:
            await self._run([(len(keys), *keys, *arguments)])

    async def _run(self, calls: Sequence[Sequence[Argument]]) -> list[Any]:
        """Run it for calls that consist of the number of keys, the keys and the other arguments."""
        try:
            return await self._mux.execute_many([("EVALSHA", self._sha, *call) for call in calls])
        except NoScriptError:
            return await self._mux.execute_many([("EVAL", self._source, *call) for call in calls])
