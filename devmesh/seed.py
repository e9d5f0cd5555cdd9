"""`lensfeed seed`: fills a running mesh with sample people, over its public interface alone."""

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from random import Random
from typing import TypeVar

import httpx
import stamina
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from devmesh.api_client import TIMEOUT_SECONDS, ApiClient, ApiError
from devmesh.pictures import draw_picture
from devmesh.sample_people import PASSWORD, SamplePerson, SamplePost, sample_people

Result = TypeVar("Result")

AT_ONCE = 6
"""Calls in hand at a time: quick on two cores, and far from any rate limit."""

PUBLISHED = "POST_STATE_PUBLISHED"

PUBLISH_SECONDS = 90.0
"""How long to wait for one post: its pictures are prepared one after another, and those before it in the queue are done."""


@dataclass(frozen=True)
class SeedOptions:
    """What was asked for: see `lensfeed seed --help`."""

    url: str
    people: int
    posts: int
    follows: int
    seed: int


@dataclass(frozen=True)
class _Member:
    """A sample person who has an account now."""

    person: SamplePerson
    user_id: str
    client: ApiClient


def seed(options: SeedOptions) -> int:
    """Fill the mesh; the exit code. A second run with the same options adds only what is missing."""
    stamina.instrumentation.set_on_retry_hooks([])  # its log lines would tear the progress bars
    trouble = ""
    try:
        asyncio.run(_seed(options))
    except* httpx.ConnectError:
        trouble = f"nothing answers at {options.url}; start a mesh with `lensfeed dev`, or name one with --url"
    except* (ApiError, httpx.HTTPError, TimeoutError) as group:
        trouble = (
            _first(group) or "all is posted, but pictures are still being prepared: their posts appear as they are done"
        )
    if trouble:
        print(f"lensfeed: {trouble}", file=sys.stderr)  # noqa: T201 - a command speaks to its user
    return 1 if trouble else 0


async def _seed(options: SeedOptions) -> None:
    people = sample_people(options.seed, options.people, options.posts, options.follows)
    limits = httpx.Limits(max_connections=AT_ONCE * 2)
    with _progress() as progress:
        async with httpx.AsyncClient(base_url=options.url, timeout=TIMEOUT_SECONDS, limits=limits) as http:
            members = await _all(progress, "people", _join, [(http, person) for person in people])
            pairs = [(member, members[other]) for member in members for other in member.person.follows]
            await _all(progress, "follows", _follow, pairs)
            await _fill(progress, members, Random(options.seed))  # noqa: S311 - pictures, not secrets
    _tell(options.url, people[0].handle)


async def _fill(progress: Progress, members: list[_Member], chance: Random) -> None:
    missing = await _all(progress, "profiles", _missing_posts, [(member,) for member in members])
    todo = [(member, post) for member, posts in zip(members, missing, strict=True) for post in posts]
    chance.shuffle(todo)  # people take turns in the feeds
    posted = await _all(progress, "posts", _post, todo)
    waiting = [(member, post_id) for (member, _), post_id in zip(todo, posted, strict=True)]
    await _all(progress, "published", _published, waiting)


async def _join(http: httpx.AsyncClient, person: SamplePerson) -> _Member:
    nobody = ApiClient(http)
    try:
        await nobody.sign_up(person.handle, person.display_name, PASSWORD)
    except ApiError as error:
        if error.reason != "HANDLE_TAKEN":
            raise
    client, user_id = await nobody.log_in(person.handle, PASSWORD)
    if person.bio:
        await client.describe(person.bio)
    return _Member(person, user_id, client)


async def _follow(member: _Member, other: _Member) -> None:
    await member.client.follow(other.user_id)


async def _missing_posts(member: _Member) -> tuple[SamplePost, ...]:
    return member.person.posts[await member.client.post_count(member.user_id) :]


async def _post(member: _Member, post: SamplePost) -> str:
    media = []
    for number, picture_seed in enumerate(post.picture_seeds, 1):
        picture = await asyncio.to_thread(draw_picture, Random(picture_seed))  # noqa: S311 - pictures, not secrets
        alt_text = f"Picture {number} of {len(post.picture_seeds)}: a drawn landscape"
        media.append(await member.client.upload(picture, "image/jpeg", alt_text))
    return await member.client.post(post.caption, media)


async def _published(member: _Member, post_id: str) -> None:
    async with asyncio.timeout(PUBLISH_SECONDS):
        while await member.client.post_state(post_id) != PUBLISHED:  # noqa: ASYNC110 - the interface has no event for it
            await asyncio.sleep(0.25)


async def _all(
    progress: Progress, what: str, work: Callable[..., Awaitable[Result]], arguments: Sequence[tuple[object, ...]]
) -> list[Result]:
    """Do the same for each, some at a time; the results in order."""
    bar = progress.add_task(what, total=len(arguments))
    turn = asyncio.Semaphore(AT_ONCE)

    async def one(of: tuple[object, ...]) -> Result:
        async with turn:
            result = await work(*of)
        progress.advance(bar)
        return result

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(one(of)) for of in arguments]
    return [task.result() for task in tasks]


def _progress() -> Progress:
    columns = (TextColumn("{task.description:<10}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    return Progress(*columns, console=Console())


def _tell(url: str, handle: str) -> None:
    body = json.dumps({"handle": handle, "password": PASSWORD})
    print(  # noqa: T201 - a command speaks to its user
        f"""
Log in as {handle} with the password {PASSWORD}. For a first look:

  TOKEN=$(curl -s {url}/sessions -H 'Content-Type: application/json' -d '{body}' |
    python3 -c 'import json, sys; print(json.load(sys.stdin)["accessToken"])')
  curl -s "{url}/feed?limit=3" -H "Authorization: Bearer $TOKEN"
"""
    )


def _first(group: BaseExceptionGroup[BaseException]) -> str:
    error: BaseException = group
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return str(error)
