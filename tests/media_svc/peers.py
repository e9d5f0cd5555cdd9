"""Small real servers of what media_svc calls: internal methods of the other services, and a CDN."""

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import grpc
from aiohttp import web
from lensfeed.post.v1 import post_internal_service_pb2, post_internal_service_pb2_grpc
from lensfeed.user.v1 import user_internal_service_pb2, user_internal_service_pb2_grpc

# ruff: noqa: ARG002, N802 - the generated base classes name the methods and their arguments


@dataclass
class Peers(
    post_internal_service_pb2_grpc.PostInternalServiceServicer,
    user_internal_service_pb2_grpc.UserInternalServiceServicer,
):
    """Posts and profiles. The next `fails` calls are refused."""

    address: str = ""
    posted: set[str] = field(default_factory=set)
    pictures: dict[int, str] = field(default_factory=dict)
    fails: int = 0

    async def FilterUsedMedia(
        self, request: post_internal_service_pb2.FilterUsedMediaRequest, context: Any
    ) -> post_internal_service_pb2.FilterUsedMediaResponse:
        """Return the media that posts use."""
        if self.fails:
            self.fails -= 1
            await context.abort(grpc.StatusCode.UNAVAILABLE, "away")
        used = [each for each in request.media_ids if each in self.posted]
        return post_internal_service_pb2.FilterUsedMediaResponse(media_ids=used)

    async def BatchGetUsers(
        self, request: user_internal_service_pb2.BatchGetUsersRequest, context: Any
    ) -> user_internal_service_pb2.BatchGetUsersResponse:
        """Return profiles."""
        response = user_internal_service_pb2.BatchGetUsersResponse()
        for user_id in request.user_ids:
            response.users.add(user_id=user_id, avatar_url=self.pictures.get(user_id, ""))
        return response


@contextlib.asynccontextmanager
async def running_peers() -> AsyncIterator[Peers]:
    """Run the server."""
    peers = Peers()  # type: ignore[abstract]  # the other methods are not called here
    server = grpc.aio.server()
    post_internal_service_pb2_grpc.add_PostInternalServiceServicer_to_server(peers, server)
    user_internal_service_pb2_grpc.add_UserInternalServiceServicer_to_server(peers, server)
    peers.address = f"127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
    await server.start()
    try:
        yield peers
    finally:
        await server.stop(0)


@dataclass
class Cdn:
    """A CDN that records purges as (path, authorization). The next `fails` requests are refused."""

    url: str = ""
    purged: list[tuple[str, str]] = field(default_factory=list)
    fails: int = 0

    async def take(self, request: web.Request) -> web.Response:
        """Handle a request."""
        if self.fails:
            self.fails -= 1
            return web.Response(status=503)
        self.purged.append((f"{request.method} {request.path}", request.headers.get("Authorization", "")))
        return web.Response(status=200)


@contextlib.asynccontextmanager
async def running_cdn() -> AsyncIterator[Cdn]:
    """Run the CDN."""
    cdn, app = Cdn(), web.Application()
    app.router.add_route("*", "/{path:.*}", cdn.take)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0]
    cdn.url = f"http://{host}:{port}/cdn/"
    try:
        yield cdn
    finally:
        await runner.cleanup()
