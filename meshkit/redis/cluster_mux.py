"""The multiplexed connection to a Redis Cluster: one link per master.

Commands that were certainly not executed are retried a few times: when a slot has moved or is moving, or when a server cannot be
reached and another one has taken over its slots. Commands that may have been executed are never retried.
"""

import asyncio
import contextlib
from collections.abc import Iterable, Sequence
from typing import Any

import hiredis
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError

from meshkit.redis.cluster_servers import ClusterServers
from meshkit.redis.line import Line
from meshkit.redis.link import Argument, Command, NotSentError, error_of
from meshkit.redis.slots import Address, address_of, slot_of
from meshkit.redis.url import Endpoint

# A moving slot takes two redirections, or three if it moves back meanwhile.
TRIES = 6
# The pause while a move splits the keys of one command, or while a new master takes over.
PAUSE_SECONDS = 0.04


class ClusterMux:
    """One shared connection per master, opened when first needed and again after it was lost."""

    def __init__(self, seeds: Sequence[Endpoint], timeout: float) -> None:
        self._servers = ClusterServers(seeds, timeout)

    @property
    def is_cluster(self) -> bool:
        """A command may not use keys of several slots."""
        return True

    async def execute(self, *command: Argument) -> Any:
        """Run one command."""
        return (await self.execute_many([command]))[0]

    async def execute_many(self, commands: Sequence[Command]) -> list[Any]:
        """Run commands in one round trip per master, all masters at once."""
        answers = await self._ask(commands)
        for answer in answers:
            if isinstance(answer, hiredis.ReplyError):
                raise error_of(answer)
            if isinstance(answer, RedisError):
                raise answer
        return answers

    async def get_many(self, keys: Sequence[bytes]) -> list[bytes | None]:
        """Read strings with one GET each, because MGET must not cross slots."""
        answers = await self._ask([("GET", key) for key in keys])
        wrong = [answer for answer in answers if isinstance(answer, hiredis.ReplyError)]
        away = [answer for answer in answers if isinstance(answer, RedisError)]
        if wrong:
            raise error_of(wrong[0])
        if away and len(away) == len(answers):
            raise away[0]
        return [None if isinstance(answer, RedisError) else answer for answer in answers]

    async def close(self) -> None:
        """Close all connections."""
        self._servers.close()

    async def _ask(self, commands: Sequence[Command]) -> list[Any]:
        """Run commands; returns for each, in order, its answer, error answer or exception."""
        await self._servers.learn()
        results: list[Any] = [None] * len(commands)
        todo = [_Pending(index, command, slot_of(command)) for index, command in enumerate(commands)]
        for _ in range(TRIES):
            todo = await self._try(todo, results)
            if not todo:
                break
            await self._prepare_again(todo)
        for each in todo:
            results[each.index] = RedisConnectionError(f"the cluster keeps redirecting: {each.why}")
        return results

    async def _try(self, todo: list["_Pending"], results: list[Any]) -> list["_Pending"]:
        """Send commands and store their answers. Returns those that were not executed and must be sent again."""
        groups: dict[Line, list[_Pending]] = {}
        for each in todo:
            try:
                groups.setdefault(self._route(each), []).append(each)
            except RedisError as error:
                results[each.index] = error
        asked = [(group, line, line.ask(_messages(group))) for line, group in groups.items()]
        again: list[_Pending] = []
        try:
            for group, line, answer in asked:
                try:
                    self._take(group, line, await answer, results, again)
                except NotSentError as error:
                    again += [each.not_sent(line, error) for each in group]
                except RedisError as error:
                    self._servers.refresh_soon()
                    for each in group:
                        results[each.index] = error
        finally:
            for _, _, answer in asked:
                # After a cancellation nobody waits for the answers. Retrieve exceptions, so that asyncio does not log them.
                if not answer.cancel() and not answer.cancelled():
                    answer.exception()
        return sorted(again, key=lambda each: each.index)

    def _route(self, each: "_Pending") -> Line:
        """Find a command's line. Raises ConnectionError if there is none except the one that just failed."""
        line = self._line_of(each)
        if line is None:
            self._servers.refresh_soon()
            raise RedisConnectionError("no server of the cluster has this slot")
        if line is each.failed:
            raise each.error or RedisConnectionError("a server of the cluster cannot be reached")
        return line

    def _line_of(self, each: "_Pending") -> Line | None:
        if each.asking:
            return self._servers.at(each.asking)
        if each.slot is None:
            return self._servers.any(each.failed)
        return self._servers.of_slot(each.slot)

    def _take(
        self, group: list["_Pending"], line: Line, answers: Sequence[Any], results: list[Any], again: list["_Pending"]
    ) -> None:
        if len(answers) != len(group):
            answers = _without_asking(group, answers)
        for each, answer in zip(group, answers, strict=True):
            if isinstance(answer, hiredis.ReplyError) and self._redirects(each, str(answer), line):
                again.append(each)
            else:
                results[each.index] = answer

    def _redirects(self, each: "_Pending", reply: str, line: Line) -> bool:
        """Handle an error answer. Returns whether the command must be sent again."""
        word, _, rest = reply.partition(" ")
        asked = (line.endpoint.host, line.endpoint.port)
        each.asking, each.failed, each.must_wait = None, None, False
        if word == "MOVED":
            slot, address = _target(rest, asked)
            self._servers.move(slot, address)
        elif word == "ASK":
            each.asking = _target(rest, asked)[1]
        elif word in ("TRYAGAIN", "CLUSTERDOWN"):
            each.must_wait = True
            self._servers.refresh_soon()
        else:
            return False
        each.why = reply
        return True

    async def _prepare_again(self, todo: Iterable["_Pending"]) -> None:
        if any(each.failed for each in todo):
            with contextlib.suppress(RedisError):  # the map stays as it was, and the commands fail again
                await self._servers.refresh()
        if any(each.must_wait for each in todo):
            await asyncio.sleep(PAUSE_SECONDS)


class _Pending:
    """A command that is not answered yet, and its state."""

    __slots__ = ("asking", "command", "error", "failed", "index", "must_wait", "slot", "why")

    def __init__(self, index: int, command: Command, slot: int | None) -> None:
        self.index = index
        self.command = command
        self.slot = slot
        self.asking: Address | None = None
        self.failed: Line | None = None
        self.error: RedisError | None = None
        self.must_wait = False
        self.why = ""

    def not_sent(self, line: Line, error: RedisError) -> "_Pending":
        self.asking, self.failed, self.error, self.why = None, line, error, str(error)
        return self


def _messages(group: Iterable[_Pending]) -> list[Command]:
    """Return the commands, with ASKING before each one that was redirected by ASK."""
    messages: list[Command] = []
    for each in group:
        if each.asking:
            messages.append(("ASKING",))
        messages.append(each.command)
    return messages


def _without_asking(group: Iterable[_Pending], answers: Sequence[Any]) -> list[Any]:
    left = iter(answers)
    kept = []
    for each in group:
        if each.asking:
            next(left)
        kept.append(next(left))
    return kept


def _target(redirection: str, asked: Address) -> tuple[int, Address]:
    """Parse `SLOT HOST:PORT`, where the host may be missing."""
    slot, _, place = redirection.partition(" ")
    host, _, port = place.rpartition(":")
    return int(slot), address_of(host, port, asked)
