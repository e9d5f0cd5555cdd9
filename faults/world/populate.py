"""Fills a new mesh with people who follow each other."""

import asyncio
import contextlib
import io
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from random import Random
from typing import TypeVar

import grpc
import httpx
from lensfeed.follow.v1.follow_service_pb2 import CreateFollowRequest
from lensfeed.follow.v1.follow_service_pb2_grpc import FollowServiceStub
from PIL import Image

from faults.mesh.fault_mesh import FaultMesh
from faults.world.ledger import Known, Post
from faults.world.person import Json, Person, signed_up
from faults.world.plan import Size, planned_follows
from faults.world.world import World

AT_ONCE = 6
CALL_SECONDS = 10.0
"""An answer that takes longer is lost: its call becomes unknown."""
FIRST_SILENT = 1 << 40
"""The ids of accounts that only follow. They need no sign-up, because only follow_svc knows them."""
Item = TypeVar("Item")
Result = TypeVar("Result")


@contextlib.asynccontextmanager
async def populated(mesh: FaultMesh, size: Size, seed: int) -> AsyncIterator[World]:
    """Sign people up, give the authors photos, and let everybody follow and read once."""
    limits = httpx.Limits(max_connections=64, max_keepalive_connections=64)
    async with httpx.AsyncClient(base_url=mesh.url, timeout=CALL_SECONDS, limits=limits) as http:
        people = await _each(range(size.people), lambda place: signed_up(http, place, f"person.{place}"))
        photo = _photo()
        world = World(mesh, size, people, photo, Random(f"{seed}/load"))

        async def give_photo(author: Person) -> None:
            author.media_id = await author.upload(photo)
            post = Post(author.place, world.caption(author), Known.OK, is_lasting=True)
            body: Json = {"caption": post.caption, "mediaIds": [author.media_id]}
            post.post_id = (await author.must("POST", "/posts", body))["postId"]
            world.ledger.posts[post.caption] = post

        async def follow(pair: tuple[int, int]) -> None:
            await people[pair[0]].must("POST", "/follows", {"followeeId": people[pair[1]].user_id})
            world.ledger.follows[pair] = True

        await _each(world.authors, give_photo)
        await _each(planned_follows(size, seed), follow)
        await _follow_silently(mesh, people[0], size.silent_followers)
        await _each(people, Person.feed)
        yield world


async def _follow_silently(mesh: FaultMesh, author: Person, count: int) -> None:
    """Let accounts that nobody logs in to follow an author. They call follow_svc as the edge does for them."""
    async with grpc.aio.insecure_channel(f"127.0.0.1:{mesh.layout.ports.services['follow'][0]}") as channel:
        stub, request = FollowServiceStub(channel), CreateFollowRequest(followee_id=int(author.user_id))
        await _each(
            range(FIRST_SILENT, FIRST_SILENT + count),
            lambda user_id: stub.CreateFollow(request, metadata=(("x-user-id", str(user_id)),), timeout=CALL_SECONDS),
        )


async def _each(items: Iterable[Item], work: Callable[[Item], Awaitable[Result]]) -> list[Result]:
    """Do some work for each item, a few at a time. Returns the results in the order of the items."""
    room = asyncio.Semaphore(AT_ONCE)

    async def one(item: Item) -> Result:
        async with room:
            return await work(item)

    return await asyncio.gather(*map(one, items))


def _photo() -> bytes:
    """Return a small JPEG, which is quickly rendered."""
    file = io.BytesIO()
    Image.linear_gradient("L").resize((96, 96)).convert("RGB").save(file, "JPEG")
    return file.getvalue()
