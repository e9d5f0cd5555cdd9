"""Implements `lensfeed seed`: fills a running mesh with sample people through its public API."""

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from random import Random
from typing import TypeVar

import grpc
import stamina
from lensfeed.post.v1.post_pb2 import PostState
from lensfeed.user.v1.user_service_pb2 import UpdateUserRequest
from lensfeed_client import AsyncLensfeed, LensfeedError, MemorySessions
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from devmesh.sample.people import PASSWORD, SamplePerson, SamplePost, sample_people
from devmesh.sample.pictures import draw_picture

Result = TypeVar("Result")

AT_ONCE = 6
"""Concurrent calls: fast on two cores and far below any rate limit."""

PATIENCE_SECONDS = 120.0
"""How long a call may take, including waits for rate limits."""

PUBLISH_SECONDS = 90.0
"""How long to wait until a post is published. Its media may wait in the queue."""


@dataclass(frozen=True)
class SeedOptions:
    """Options of `lensfeed seed`; see its --help."""

    url: str
    people: int
    posts: int
    follows: int
    seed: int


@dataclass(frozen=True)
class _Member:
    """A sample person with an account."""

    url: str
    person: SamplePerson
    sessions: MemorySessions
    user_id: int = 0

    def client(self) -> AsyncLensfeed:
        """Return a client for one task, so that there are no more connections than tasks."""
        return AsyncLensfeed(self.url, sessions=self.sessions, timeout=PATIENCE_SECONDS)


def seed(options: SeedOptions) -> int:
    """Fill the mesh and return the exit code. A second run adds only what is missing."""
    stamina.instrumentation.set_on_retry_hooks([])  # its log lines would disturb the progress bars
    trouble = ""
    try:
        asyncio.run(_seed(options))
    except* (LensfeedError, ValueError, TimeoutError) as group:
        trouble = _error_text(group, options.url)
    if trouble:
        print(f"lensfeed: {trouble}", file=sys.stderr)  # noqa: T201 - output of a command
    return 1 if trouble else 0


async def _seed(options: SeedOptions) -> None:
    people = sample_people(options.seed, options.people, options.posts, options.follows)
    with _progress() as progress:
        members = await _all(progress, "people", _join, [(options.url, person) for person in people])
        private = [member for member in members if member.person.accepts]
        await _all(progress, "private", _make_private, [(member,) for member in private])
        pairs = [(member, members[other]) for member in members for other in member.person.follows]
        await _all(progress, "follows", _follow, pairs)
        accepted = [(member, members[other]) for member in private for other in member.person.accepts]
        await _all(progress, "accepted", _accept, accepted)
        await _fill(progress, members, Random(options.seed))  # noqa: S311 - pictures, not secrets
    _print_hints(options.url, people[0].handle, [person.handle for person in people if person.accepts])


async def _fill(progress: Progress, members: list[_Member], chance: Random) -> None:
    missing = await _all(progress, "profiles", _missing_posts, [(member,) for member in members])
    todo = [(member, post) for member, posts in zip(members, missing, strict=True) for post in posts]
    chance.shuffle(todo)  # people take turns in the feeds
    posted = await _all(progress, "posts", _post, todo)
    waiting = [(member, post_id) for (member, _), post_id in zip(todo, posted, strict=True)]
    await _all(progress, "published", _published, waiting)


async def _join(url: str, person: SamplePerson) -> _Member:
    newcomer = _Member(url, person, MemorySessions())
    async with newcomer.client() as feed:
        try:
            await feed.sign_up(person.handle, PASSWORD, person.display_name)
        except LensfeedError as error:
            if error.reason != "HANDLE_TAKEN":
                raise
        user = await feed.log_in(person.handle, PASSWORD)
        if person.bio:
            await feed.users.UpdateUser(UpdateUserRequest(bio=person.bio))
    return replace(newcomer, user_id=user.user_id)


async def _make_private(member: _Member) -> None:
    async with member.client() as feed:
        await feed.make_private()


async def _accept(member: _Member, other: _Member) -> None:
    async with member.client() as feed:
        await feed.accept_follower(other.user_id)


async def _follow(member: _Member, other: _Member) -> None:
    async with member.client() as feed:
        await feed.follow(other.user_id)


async def _missing_posts(member: _Member) -> tuple[SamplePost, ...]:
    async with member.client() as feed:
        there = await feed.user_posts(member.user_id, page_size=100).next_page()
    return member.person.posts[len(there) :]


async def _post(member: _Member, post: SamplePost) -> str:
    media = []
    async with member.client() as feed:
        for number, picture_seed in enumerate(post.picture_seeds, 1):
            picture = await asyncio.to_thread(draw_picture, Random(picture_seed))  # noqa: S311 - pictures, not secrets
            alt_text = f"Picture {number} of {len(post.picture_seeds)}: a drawn landscape"
            media.append((await feed.upload(picture, alt_text=alt_text)).media_id)
        return (await feed.post(media, post.caption)).post_id


async def _published(member: _Member, post_id: str) -> None:
    async with member.client() as feed, asyncio.timeout(PUBLISH_SECONDS):
        while (await feed.get_post(post_id)).state != PostState.POST_STATE_PUBLISHED:  # noqa: ASYNC110 - there is no event
            await asyncio.sleep(0.25)


async def _all(
    progress: Progress, what: str, work: Callable[..., Awaitable[Result]], arguments: Sequence[tuple[object, ...]]
) -> list[Result]:
    """Run `work` for each item, some at a time. Returns the results in order."""
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


def _print_hints(url: str, handle: str, private: list[str]) -> None:
    asked = (
        f"{private[0]}, with the same password, is private: {handle} follows, two others ask to.\n" if private else ""
    )
    body = json.dumps({"handle": handle, "password": PASSWORD})
    print(  # noqa: T201 - output of a command
        f"""
Log in as {handle} with the password {PASSWORD}. For a first look:

  TOKEN=$(curl -s {url}/sessions -H 'Content-Type: application/json' -d '{body}' |
    python3 -c 'import json, sys; print(json.load(sys.stdin)["accessToken"])')
  curl -s "{url}/feed?limit=3" -H "Authorization: Bearer $TOKEN"

{asked}"""
    )


def _error_text(group: BaseExceptionGroup[BaseException], url: str) -> str:
    """Describe the error in a sentence."""
    error: BaseException = group
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    if isinstance(error, TimeoutError):
        return "everything is posted, but some media are still being processed; their posts appear later"
    if isinstance(error, LensfeedError) and error.code is grpc.StatusCode.UNAVAILABLE and not error.reason:
        return f"{url} does not answer; start a mesh with `lensfeed dev`, or give another URL with --url"
    return str(error)
