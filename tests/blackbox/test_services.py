"""Each part at its own address, as engineers use it, and a seeded mesh."""

import asyncio
import os
import re
import sys
from asyncio.subprocess import PIPE, STDOUT

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc
from lensfeed.user.v1 import user_internal_service_pb2, user_internal_service_pb2_grpc

from devmesh.sample.people import PASSWORD
from tests.blackbox.mesh import Mesh, Reach
from tests.blackbox.people import Person, logged_in

pytestmark = pytest.mark.mesh

SERVICES = {
    "user-serve": {"lensfeed.user.v1.UserService", "lensfeed.user.v1.UserInternalService"},
    "follow-serve": {"lensfeed.follow.v1.FollowService", "lensfeed.follow.v1.FollowInternalService"},
    "post-serve": {"lensfeed.post.v1.PostService", "lensfeed.post.v1.PostInternalService"},
    "media-serve": {"lensfeed.media.v1.MediaService", "lensfeed.media.v1.MediaInternalService"},
    "feed-serve": {"lensfeed.feed.v1.FeedService", "lensfeed.feed.v1.FeedEdgeService"},
    "post-work": set(),
    "media-work": set(),
    "feed-work": set(),
}
ALWAYS = {"grpc.channelz.v1.Channelz", "grpc.health.v1.Health", "grpc.reflection.v1alpha.ServerReflection"}


@pytest.mark.parametrize("part", SERVICES)
async def test_a_part_is_serving(mesh: Mesh, part: str) -> None:
    """Each process reports its health at the address that `dev` prints."""
    async with grpc.aio.insecure_channel(mesh.addresses[part]) as channel:
        answer = await health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest())
    assert answer.status == health_pb2.HealthCheckResponse.SERVING


@pytest.mark.parametrize("part", SERVICES)
async def test_a_part_lists_its_services(mesh: Mesh, part: str) -> None:
    """Reflection lists the part's services, so grpcurl needs no files."""
    asked = [reflection_pb2.ServerReflectionRequest(list_services="")]
    async with grpc.aio.insecure_channel(mesh.addresses[part]) as channel:
        stub = reflection_pb2_grpc.ServerReflectionStub(channel)
        answers = [answer async for answer in stub.ServerReflectionInfo(iter(asked))]
    assert {service.name for service in answers[0].list_services_response.service} == SERVICES[part] | ALWAYS


async def test_internal_methods_answer_at_the_services_address(mesh: Mesh, ann: Person) -> None:
    """Internal methods answer at the service's own address."""
    async with grpc.aio.insecure_channel(mesh.addresses["user-serve"]) as channel:
        stub = user_internal_service_pb2_grpc.UserInternalServiceStub(channel)
        request = user_internal_service_pb2.BatchGetUsersRequest(user_ids=[int(ann.user_id), 5])
        answer = await stub.BatchGetUsers(request)
    assert [user.handle for user in answer.users] == [ann.handle]


async def test_a_seeded_mesh_has_feeds(mesh: Mesh, reach: Reach) -> None:
    """`lensfeed seed` prints a login whose feed has everyone else's posts with pictures, and a second run adds nothing.

    A private account is among them, with two requests.
    """
    command = ("-m", "devmesh", "seed", "--url", mesh.url, "--people", "4", "--posts", "1", "--follows", "1")
    env = {name: value for name, value in os.environ.items() if not name.startswith("LENSFEED_")}
    for _ in range(2):
        process = await asyncio.create_subprocess_exec(sys.executable, *command, stdout=PIPE, stderr=STDOUT, env=env)
        output = (await process.communicate())[0].decode()
        assert process.returncode == 0, output
    named = re.search(r"Log in as (\S+) with the password (\S+)\.", output)
    assert named is not None, output
    assert named[2] == PASSWORD
    person = await logged_in(reach, named[1], PASSWORD)
    items = (await person.call("GET", "/feed"))["items"]
    assert len(items) == 3
    [private] = [item["author"]["handle"] for item in items if item.get("isPrivate")]
    assert f"{private}, with the same password, is private" in output
    owner = await logged_in(reach, private, PASSWORD)
    assert len((await owner.call("GET", "/follow-requests"))["users"]) == 2
    assert person.handle not in {item["author"]["handle"] for item in items}
    for item in items:
        picture = await reach.http.get(item["post"]["media"][0]["renditions"][0]["url"])
        assert picture.headers["Content-Type"].startswith("image/")
