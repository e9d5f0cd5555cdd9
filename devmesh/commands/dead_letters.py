"""Implements `lensfeed events`: list, replay and drop dead letters."""

import asyncio
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import redis.exceptions
from redis.asyncio import Redis
from rich.console import Console
from rich.progress import Progress

from devmesh.commands.dead_letter_selection import Selection
from devmesh.commands.dead_letter_text import as_json_line, as_table
from devmesh.commands.mesh_redis import find_redis
from devmesh.errors import MeshError
from meshkit.events import DeadLetter, DeadLetters, EventStream
from meshkit.redis.client import open_redis
from meshkit.redis.url import read_redis_url

# How many letters are read or moved in one step.
PAGE = 200


@dataclass(frozen=True, slots=True)
class Action:
    """An action on letters and its word for the output. `only_events` skips letters without an event."""

    act: Callable[[DeadLetters, Sequence[str]], Awaitable[int]]
    done: str
    only_events: bool


REPLAY = Action(DeadLetters.replay, "replayed", only_events=True)
DROP = Action(DeadLetters.drop, "dropped", only_events=False)


def run(url: str | None, data: Path | None, work: Callable[["Redis"], Awaitable[int]]) -> int:
    """Run `work` on the chosen Redis and return the exit code. Errors are printed as one sentence."""
    try:
        found = find_redis(url, data)
        read_redis_url(found)
    except MeshError as error:
        return _complain(str(error))
    except ValueError as error:
        return _complain(f"invalid Redis URL: {error}")
    try:
        return asyncio.run(_with_redis(found, work))
    except (redis.exceptions.ConnectionError, redis.exceptions.TimeoutError, OSError):
        return _complain(f"no Redis answers at {_without_password(found)}")
    except redis.exceptions.RedisError as error:
        return _complain(f"the Redis at {_without_password(found)} refused: {error}")


async def list_dead(client: "Redis", streams: Sequence[str], limit: int, *, as_json: bool) -> int:
    """Print up to `limit` letters, the oldest of each stream first."""
    shown: list[tuple[str, DeadLetter]] = []
    count = 0
    for name, letters in _of(client, streams):
        count += await letters.count()
        if len(shown) < limit:
            shown += [(name, letter) for letter in await letters.read(limit=limit - len(shown))]
    if as_json:
        for name, letter in shown:
            _say(as_json_line(name, letter))
    elif shown:
        _say(as_table(shown))
    if count > len(shown):
        _note(f"and {count - len(shown)} more; see --limit and --stream")
    elif not count:
        _note("there are no dead letters")
    return 0


async def act_on(client: "Redis", selection: Selection, action: Action) -> int:
    """Replay or drop letters. The exit code is 1 if a named letter cannot be handled."""
    if selection.ids is None:
        return await _act_on_all(client, selection.streams, action)
    return await _act_on_named(client, selection.streams, selection.ids, action)


async def _act_on_named(client: "Redis", streams: Sequence[str], ids: Sequence[str], action: Action) -> int:
    count = troubles = 0
    for each in ids:
        places = [(name, letters) for name, letters in _of(client, streams) if await letters.read(each, each)]
        if trouble := await _trouble(each, places, action):
            troubles += 1
            _complain(trouble)
        else:
            count += await action.act(places[0][1], [each])
    _say(f"{action.done} {count}")
    return 1 if troubles else 0


async def _trouble(letter_id: str, places: Sequence[tuple[str, DeadLetters]], action: Action) -> str | None:
    """Return why the action cannot be applied to a letter, or None."""
    if not places:
        return f"dead letter {letter_id} does not exist"
    if len(places) > 1:
        return f"{letter_id} is in {' and '.join(name for name, _ in places)}; choose with --stream"
    [letter] = await places[0][1].read(letter_id, letter_id)
    if action.only_events and letter.event is None:
        return f"{letter_id} has no event to replay; remove it with `lensfeed events drop {letter_id}`"
    return None


async def _act_on_all(client: "Redis", streams: Sequence[str], action: Action) -> int:
    count = kept = 0
    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:
        for name, letters in _of(client, streams):
            bar = progress.add_task(name, total=await letters.count())
            async for page in _pages(letters):
                ids = [letter.letter_id for letter in page if letter.event or not action.only_events]
                count += await action.act(letters, ids) if ids else 0
                kept += len(page) - len(ids)
                progress.advance(bar, len(page))
    _say(f"{action.done} {count}")
    if kept:
        _note(f"skipped {kept} without an event; remove them with `lensfeed events drop`")
    return 0


async def _pages(letters: DeadLetters) -> AsyncIterator[list[DeadLetter]]:
    """Yield the letters that exist now. A replayed letter that fails again is not visited twice."""
    last = await letters.last_id()
    position = "-"
    while last and (page := await letters.read(position, last, PAGE)):
        yield page
        position = f"({page[-1].letter_id}"


def _of(client: "Redis", streams: Sequence[str]) -> list[tuple[str, DeadLetters]]:
    return [(name, DeadLetters(client, EventStream(name))) for name in streams]


async def _with_redis(url: str, work: Callable[["Redis"], Awaitable[int]]) -> int:
    async with open_redis(url) as client:
        return await work(client)


def _without_password(url: str) -> str:
    parts = urlsplit(url)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()


def _say(text: str) -> None:
    print(text, flush=True)  # noqa: T201 - output of a command


def _note(text: str) -> None:
    print(text, file=sys.stderr, flush=True)  # noqa: T201 - output of a command


def _complain(text: str) -> int:
    _note(f"lensfeed: {text}")
    return 1
