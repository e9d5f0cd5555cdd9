"""Losing one of three nodes under load: no acknowledged write is lost and few calls fail."""

import asyncio
import os
import signal
from functools import partial
from pathlib import Path

import psutil
import pytest

from devmesh.parts.cassandra.node import node_sees_all
from tests.blackbox.mesh import Mesh, reached, running_mesh
from tests.blackbox.people import Person, eventually, new_user
from tests.faults.load import Load
from tests.media_svc import pictures

PEOPLE = 4
PHASE_SECONDS = 20.0
SETTLE_SECONDS = 5.0
"""How long a returning node gets to receive its hints."""

PATIENCE_SECONDS = 180.0
MIN_SHARE = 0.99
NODES = ("127.0.0.1", "127.0.0.2", "127.0.0.3")


def node(mesh: Mesh, number: int) -> psutil.Process:
    """Return the Java process of a node."""
    return mesh.process_of(f"cassandra/node{number}/conf")


async def whole(mesh: Mesh) -> None:
    """Wait until every node sees all others."""
    port = int(mesh.addresses["cassandra-1"].partition(":")[2])
    async with asyncio.timeout(PATIENCE_SECONDS):
        while True:
            if all([await sees_all(address, port) for address in NODES]):
                return
            await asyncio.sleep(0.5)


async def sees_all(address: str, port: int) -> bool:
    """Return whether a node answers and sees the others."""
    try:
        async with asyncio.timeout(5):
            return await node_sees_all(address, port)
    except (OSError, asyncio.IncompleteReadError):
        return False


def say(load: Load) -> None:
    """Print the results of all calls."""
    for what, tallies in (("writes", load.writes), ("reads", load.reads)):
        for phase, tally in tallies.items():
            times = sorted(tally.seconds)
            middle, longest = times[len(times) // 2], times[-1]
            shares = f"{tally.good} good, {len(tally.bad)} failed, {tally.share:.2%}"
            print(f"{what} {phase}: {shares}; {middle:.2f} s in the middle, {longest:.1f} s at most", *tally.bad[:3])


@pytest.mark.faults
@pytest.mark.mesh
async def test_nothing_acknowledged_is_lost_with_a_node(tmp_path: Path) -> None:
    """Killing one node and pausing another loses no posts or follows, and feeds keep working."""
    async with running_mesh(tmp_path, "cassandra", "--cassandra-nodes", "3") as mesh, reached(mesh) as reach:
        people = [await new_user(reach, "load") for _ in range(PEOPLE)]
        media = [await person.upload(pictures.encoded(pictures.quarters(320, 240), "image/jpeg")) for person in people]
        for person, medium in zip(people, media, strict=True):
            assert (await person.finished(medium))["state"] == "MEDIA_STATE_READY"
        load = Load(people, {person.handle: medium for person, medium in zip(people, media, strict=True)})
        stopping = asyncio.Event()
        running = asyncio.create_task(load.run(stopping))
        await asyncio.sleep(5)

        print(f"load average {os.getloadavg()[0]:.1f}")
        load.phase = "one node killed"
        node(mesh, 2).send_signal(signal.SIGKILL)
        await asyncio.sleep(PHASE_SECONDS)

        load.phase = "it comes back"
        await whole(mesh)
        await asyncio.sleep(SETTLE_SECONDS)

        load.phase = "another one paused"
        paused = node(mesh, 3)
        paused.send_signal(signal.SIGSTOP)
        await asyncio.sleep(PHASE_SECONDS)
        paused.send_signal(signal.SIGCONT)

        load.phase = "it goes on"
        await whole(mesh)
        await asyncio.sleep(SETTLE_SECONDS)
        stopping.set()
        await running
        say(load)

        await check_posts(load)
        await check_follows(load)
        for phase in ("one node killed", "another one paused"):
            assert load.writes[phase].share >= MIN_SHARE, phase
            assert load.reads[phase].share >= MIN_SHARE, phase


async def check_posts(load: Load) -> None:
    """Check that every acknowledged post is found by id and in its author's list."""
    assert load.posts
    lost = [post for post, author in load.posts.items() if (await author.send("GET", f"/posts/{post}")).is_error]
    assert not lost, f"{len(lost)} of {len(load.posts)} posts are lost"
    for person in load.people:
        # A list may lag if it is read from a returning replica that has not received its hints yet.
        posted = {post for post, author in load.posts.items() if author is person}
        await eventually(partial(listed_posts, person), posted.issubset)


async def listed_posts(person: Person) -> set[str]:
    """Return the posts that a profile lists."""
    pages = await person.pages(100, f"/users/{person.user_id}/posts")
    return {post["postId"] for page in pages for post in page["posts"]}


async def check_follows(load: Load) -> None:
    """Check that every pair has its last acknowledged state, in feeds, too."""
    assert load.follows
    by_id = {person.user_id: person for person in load.people}
    for (follower, followee), is_following in load.follows.items():
        relationship = await by_id[follower].call("GET", f"/users/{followee}/relationship")
        assert relationship["following"] is is_following
    for person in load.people:
        wanted = followed(load, person)
        await eventually(partial(feed_authors, person), wanted.__eq__)


def followed(load: Load, person: Person) -> set[str]:
    """Return whom a person follows."""
    return {pair[1] for pair, is_following in load.follows.items() if is_following and pair[0] == person.user_id}


async def feed_authors(person: Person) -> set[str]:
    """Return the authors of the posts in a feed."""
    pages = await person.pages(100)
    return {item["post"]["authorId"] for page in pages for item in page["items"]}
