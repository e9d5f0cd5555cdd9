"""The multiplexed connection to a Redis Cluster: one link to each master, and each command to the one that has its slot.

What was certainly not executed is tried again, a few times and not for long: where a slot has moved or is moving, where a server
cannot be reached and another has its slots by now. What may have been executed never is.
"""

import asyncio
from collections.abc import Iterable, Sequence
from typing import Any

import hiredis
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError, ResponseError

from meshkit.redis_line import Line
from meshkit.redis_link import Argument, Command, NotSentError, error_of
from meshkit.redis_slots import Address, SlotMap, address_of, slot_of
from meshkit.redis_url import Endpoint

# A slot on the move takes two redirections, one that moves back meanwhile three.
TRIES = 6
# Keys of one command on two sides of a move, or a master that has just come: either is over soon, or not soon enough.
PAUSE_SECONDS = 0.04
# The map is not read more often, however many calls find it wrong.
REFRESH_SECONDS = 0.2
# How long one server may take to tell the map before another is asked.
MAP_SECONDS = 0.3


class ClusterMux:
    """One shared connection to each master, made when first needed and again whenever it was lost."""

    def __init__(self, seeds: Sequence[Endpoint], timeout: float) -> None:
        self._seeds = [(seed.host, seed.port) for seed in seeds]
        self._greeting = seeds[0]
        self._timeout = timeout
        self._lines: dict[Address, Line] = {}
        self._map = SlotMap()
        self._refreshing = asyncio.Lock()
        self._looked_at = -REFRESH_SECONDS
        self._is_known = False
        self._is_lost = False
        self._refresher: asyncio.Task[None] | None = None

    @property
    def is_cluster(self) -> bool:
        """No command may take keys of several slots."""
        return True

    async def execute(self, *command: Argument) -> Any:
        """Run one command."""
        return (await self.execute_many([command]))[0]

    async def execute_many(self, commands: Sequence[Command]) -> list[Any]:
        """Run commands, those of each master in one round trip, all masters at once."""
        if not self._is_known:
            await self._refresh()
        results: list[Any] = [None] * len(commands)
        todo = [_Todo(index, command, slot_of(command)) for index, command in enumerate(commands)]
        for _ in range(TRIES):
            todo = await self._try(todo, results)
            if not todo:
                break
            await self._prepare_again(todo)
        else:
            raise RedisConnectionError(f"the cluster does not settle: {todo[0].why}")
        for result in results:
            if isinstance(result, hiredis.ReplyError):
                raise error_of(result)
        return results

    async def get_many(self, keys: Sequence[bytes]) -> list[bytes | None]:
        """Read strings, each by a command of its own: MGET must not cross slots."""
        answers: list[bytes | None] = await self.execute_many([("GET", key) for key in keys])
        return answers

    async def close(self) -> None:
        """Close all connections."""
        if self._refresher is not None:
            self._refresher.cancel()
        for line in self._lines.values():
            line.close()

    async def _try(self, todo: list["_Todo"], results: list[Any]) -> list["_Todo"]:
        """Send commands and take their answers in; returns those that were certainly not executed."""
        groups: dict[Line, list[_Todo]] = {}
        for each in todo:
            groups.setdefault(self._route(each), []).append(each)
        asked = [(group, line, line.ask(_messages(group))) for line, group in groups.items()]
        again: list[_Todo] = []
        failure: RedisError | None = None
        try:
            for group, line, answer in asked:
                try:
                    self._take(group, line, await answer, results, again)
                except NotSentError as error:
                    again += [each.not_sent(line, error) for each in group]
                except RedisError as error:
                    self._refresh_soon()
                    failure = failure or error
        finally:
            for _, _, answer in asked:
                # Whoever gave up waits for none of them; nor will anybody ask how the others ended.
                if not answer.cancel() and not answer.cancelled():
                    answer.exception()
        if failure:
            raise failure
        return sorted(again, key=lambda each: each.index)

    def _route(self, each: "_Todo") -> Line:
        """Find a command's line. Raises ConnectionError where there is none, or only the one that has just failed."""
        line = self._line_of(each)
        if line is None:
            self._refresh_soon()
            raise RedisConnectionError("no server of the cluster has this slot")
        if line is each.failed:
            raise each.error or RedisConnectionError("a server of the cluster cannot be reached")
        return line

    def _line_of(self, each: "_Todo") -> Line | None:
        if each.asking:
            return self._line(each.asking)
        if each.slot is None:
            return self._any_line(each.failed)
        address = self._map[each.slot]
        return self._line(address) if address else None

    def _any_line(self, failed: Line | None) -> Line | None:
        """Pick a server, an open one if there is any, for a command that has no key."""
        lines = [self._line(address) for address in self._map.addresses]
        usable = [line for line in lines if line is not failed and not line.is_resting]
        return next((line for line in usable if line.is_open), None) or next(iter(usable or lines), None)

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
            self._map.move(slot, address)
            self._refresh_soon()  # where one slot has moved, others have
        elif word == "ASK":
            each.asking = _target(rest, asked)[1]
        elif word in ("TRYAGAIN", "CLUSTERDOWN"):
            each.must_wait = True
            self._refresh_soon()
        else:
            return False
        each.why = reply
        return True

    async def _prepare_again(self, todo: Iterable["_Todo"]) -> None:
        if any(each.failed for each in todo):
            await self._refresh()
        if any(each.must_wait for each in todo):
            await asyncio.sleep(PAUSE_SECONDS)

    def _line(self, address: Address) -> Line:
        line = self._lines.get(address)
        if line is None:
            line = self._lines[address] = Line(self._greeting.at(*address), self._timeout)
        return line

    def _refresh_soon(self) -> None:
        if self._refresher is None or self._refresher.done():
            self._refresher = asyncio.create_task(self._refresh_quietly())

    async def _refresh_quietly(self) -> None:
        try:
            await self._refresh()
        except RedisError:
            return  # the next call that fails asks again

    async def _refresh(self) -> None:
        """Read the map, unless somebody has just done so. Raises ConnectionError where no server tells it."""
        if self._is_lost and (self._refreshing.locked() or self._has_just_looked()):
            raise NotSentError("the cluster could not be reached a moment ago")
        async with self._refreshing:
            if self._has_just_looked():
                if self._is_lost:
                    raise NotSentError("the cluster cannot be reached")  # found out by whom we waited for
                return
            try:
                self._map = await self._read_map()
            except RedisError:
                self._note(is_lost=True)
                raise
            self._note(is_lost=False)
            self._is_known = True
            self._forget_lines()

    def _note(self, *, is_lost: bool) -> None:
        self._is_lost = is_lost
        self._looked_at = asyncio.get_running_loop().time()

    def _has_just_looked(self) -> bool:
        return asyncio.get_running_loop().time() < self._looked_at + REFRESH_SECONDS

    async def _read_map(self) -> SlotMap:
        why: RedisError | None = None
        known = sorted({*self._map.addresses, *self._seeds}, key=lambda address: not self._line(address).is_open)
        for address in known:
            try:
                async with asyncio.timeout(min(MAP_SECONDS, self._timeout)):
                    (answer,) = await self._line(address).ask([("CLUSTER", "SLOTS")])
            except (RedisError, TimeoutError) as error:
                why = error if isinstance(error, RedisError) else why
                continue
            if isinstance(answer, hiredis.ReplyError):
                raise ResponseError(
                    f"this Redis tells of no cluster ({answer}): does its URL have to begin with redis://?"
                )
            return SlotMap.read(answer, address)
        raise NotSentError(f"the cluster cannot be reached: {why}")

    def _forget_lines(self) -> None:
        """Let go of servers that are gone; one that still answers may owe somebody an answer."""
        wanted = {*self._map.addresses, *self._seeds}
        self._lines = {address: line for address, line in self._lines.items() if address in wanted or line.is_open}


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
