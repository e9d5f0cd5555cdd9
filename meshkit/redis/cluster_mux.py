"""The multiplexed connection to a Redis Cluster: one link to each master, and each command to the one that has its slot.

What was certainly not executed is tried again, a few times and not for long: where a slot has moved or is moving, where a server
cannot be reached and another has its slots by now. What may have been executed never is.
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

# A slot on the move takes two redirections, one that moves back meanwhile three.
TRIES = 6
# Keys of one command on two sides of a move, or a master that has just come: either is over soon, or not soon enough.
PAUSE_SECONDS = 0.04


class ClusterMux:
    """One shared connection to each master, made when first needed and again whenever it was lost."""

    def __init__(self, seeds: Sequence[Endpoint], timeout: float) -> None:
        self._servers = ClusterServers(seeds, timeout)

    @property
    def is_cluster(self) -> bool:
        """No command may take keys of several slots."""
        return True

    async def execute(self, *command: Argument) -> Any:
        """Run one command."""
        return (await self.execute_many([command]))[0]

    async def execute_many(self, commands: Sequence[Command]) -> list[Any]:
        """Run commands, those of each master in one round trip, all masters at once."""
        answers = await self._ask(commands)
        for answer in answers:
            if isinstance(answer, hiredis.ReplyError):
                raise error_of(answer)
            if isinstance(answer, RedisError):
                raise answer
        return answers

    async def get_many(self, keys: Sequence[bytes]) -> list[bytes | None]:
        """Read strings, each by a command of its own: MGET must not cross slots."""
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
        """Run commands; returns an answer, an error answer or what happened instead for each, in order."""
        await self._servers.learn()
        results: list[Any] = [None] * len(commands)
        todo = [_Todo(index, command, slot_of(command)) for index, command in enumerate(commands)]
        for _ in range(TRIES):
            todo = await self._try(todo, results)
            if not todo:
                break
            await self._prepare_again(todo)
        for each in todo:
            results[each.index] = RedisConnectionError(f"the cluster does not settle: {each.why}")
        return results

    async def _try(self, todo: list["_Todo"], results: list[Any]) -> list["_Todo"]:
        """Send commands and take their answers in; returns those that are to be sent again: they were not executed."""
        groups: dict[Line, list[_Todo]] = {}
        for each in todo:
            try:
                groups.setdefault(self._route(each), []).append(each)
            except RedisError as error:
                results[each.index] = error
        asked = [(group, line, line.ask(_messages(group))) for line, group in groups.items()]
        again: list[_Todo] = []
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
                # Whoever gave up waits for none of them; nor will anybody ask how the others ended.
                if not answer.cancel() and not answer.cancelled():
                    answer.exception()
        return sorted(again, key=lambda each: each.index)

    def _route(self, each: "_Todo") -> Line:
        """Find a command's line. Raises ConnectionError where there is none, or only the one that has just failed."""
        line = self._line_of(each)
        if line is None:
            self._servers.refresh_soon()
            raise RedisConnectionError("no server of the cluster has this slot")
        if line is each.failed:
            raise each.error or RedisConnectionError("a server of the cluster cannot be reached")
        return line

    def _line_of(self, each: "_Todo") -> Line | None:
        if each.asking:
            return self._servers.at(each.asking)
        if each.slot is None:
            return self._servers.any(each.failed)
        return self._servers.of_slot(each.slot)

    def _take(
        self, group: list["_Todo"], line: Line, answers: Sequence[Any], results: list[Any], again: list["_Todo"]
    ) -> None:
        if len(answers) != len(group):
            answers = _without_asking(group, answers)
        for each, answer in zip(group, answers, strict=True):
            if isinstance(answer, hiredis.ReplyError) and self._redirects(each, str(answer), line):
                again.append(each)
            else:
                results[each.index] = answer

    def _redirects(self, each: "_Todo", reply: str, line: Line) -> bool:
        """Whether an error answer says that the command is to be sent again, and where."""
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

    async def _prepare_again(self, todo: Iterable["_Todo"]) -> None:
        if any(each.failed for each in todo):
            with contextlib.suppress(RedisError):  # then the map is as it was, and the commands fail as they did
                await self._servers.refresh()
        if any(each.must_wait for each in todo):
            await asyncio.sleep(PAUSE_SECONDS)


class _Todo:
    """A command on its way, and what has become of it."""

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

    def not_sent(self, line: Line, error: RedisError) -> "_Todo":
        self.asking, self.failed, self.error, self.why = None, line, error, str(error)
        return self


def _messages(group: Iterable[_Todo]) -> list[Command]:
    """Return the commands, each that was sent here by ASK with its own permission right before it."""
    messages: list[Command] = []
    for each in group:
        if each.asking:
            messages.append(("ASKING",))
        messages.append(each.command)
    return messages


def _without_asking(group: Iterable[_Todo], answers: Sequence[Any]) -> list[Any]:
    left = iter(answers)
    kept = []
    for each in group:
        if each.asking:
            next(left)
        kept.append(next(left))
    return kept


def _target(redirection: str, asked: Address) -> tuple[int, Address]:
    """Read `SLOT HOST:PORT`, whose host may be left out."""
    slot, _, place = redirection.partition(" ")
    host, _, port = place.rpartition(":")
    return int(slot), address_of(host, port, asked)
