"""A gRPC backend with every service, which records calls and answers by simple rules."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import grpc
from google.api.httpbody_pb2 import HttpBody
from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.descriptor import MethodDescriptor, ServiceDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from google.rpc.error_details_pb2 import ErrorInfo
from google.rpc.status_pb2 import Status
from grpc_health.v1 import health_pb2_grpc
from grpc_health.v1._async import HealthServicer
from lensfeed.feed.v1 import feed_edge_service_pb2, feed_service_pb2
from lensfeed.follow.v1 import follow_internal_service_pb2, follow_service_pb2
from lensfeed.media.v1 import media_internal_service_pb2, media_service_pb2
from lensfeed.post.v1 import post_internal_service_pb2, post_service_pb2
from lensfeed.user.v1 import user_internal_service_pb2, user_service_pb2

from feed_svc.presenting.json_printer import printer_of
from meshkit.identity.mtls import server_credentials
from meshkit.identity.parts import MeshIdentity

SERVICES: tuple[ServiceDescriptor, ...] = (
    feed_service_pb2.DESCRIPTOR.services_by_name["FeedService"],
    follow_service_pb2.DESCRIPTOR.services_by_name["FollowService"],
    media_service_pb2.DESCRIPTOR.services_by_name["MediaService"],
    post_service_pb2.DESCRIPTOR.services_by_name["PostService"],
    user_service_pb2.DESCRIPTOR.services_by_name["UserService"],
)
INTERNAL: tuple[ServiceDescriptor, ...] = (
    follow_internal_service_pb2.DESCRIPTOR.services_by_name["FollowInternalService"],
    media_internal_service_pb2.DESCRIPTOR.services_by_name["MediaInternalService"],
    post_internal_service_pb2.DESCRIPTOR.services_by_name["PostInternalService"],
    user_internal_service_pb2.DESCRIPTOR.services_by_name["UserInternalService"],
)
EDGES = (feed_edge_service_pb2.DESCRIPTOR.services_by_name["FeedEdgeService"],)
ALL = SERVICES + INTERNAL + EDGES


@dataclass
class Seen:
    """A call as the backend received it."""

    method: str
    metadata: dict[str, Any]
    seconds_left: float | None
    request: Any


@dataclass
class Backend:
    """The backend's address, recorded calls and canned responses."""

    address: str = ""
    seen: list[Seen] = field(default_factory=list)
    feed: feed_service_pb2.GetFeedResponse = field(default_factory=feed_service_pb2.GetFeedResponse)
    """Its first item is also the answer of GetPost and GetUser."""
    failure: tuple[grpc.StatusCode, str, str] | None = None
    """Code, reason and message of the next failures. Without a reason it fails like a library, without details."""
    failures_left: int = 0
    delay: float = 0.0
    held: asyncio.Event | None = None
    """Calls wait until it is set."""
    trailers: tuple[tuple[str, str], ...] = ()
    headers: tuple[tuple[str, str], ...] = ()
    """Sent with the feed."""
    health: HealthServicer = field(default_factory=HealthServicer)

    @property
    def methods(self) -> set[str]:
        """All methods of the backend."""
        return {f"{service.full_name}/{method.name}" for service in ALL for method in service.methods}

    @property
    def last(self) -> Seen:
        """The newest call."""
        return self.seen[-1]

    def forget(self) -> None:
        """Reset to the initial state."""
        self.seen.clear()
        self.feed = feed_service_pb2.GetFeedResponse()
        self.failure, self.failures_left, self.delay, self.held, self.trailers = None, 0, 0.0, None, ()
        self.headers = ()


def _create_user(request: Any) -> Message:
    response = user_service_pb2.CreateUserResponse()
    response.user.user_id, response.user.handle = 2**60 + 1, request.handle
    return response


def _create_post(request: Any) -> Message:
    response = post_service_pb2.CreatePostResponse(post_id="p")
    response.post.caption = request.caption
    return response


def _ready_json(feed: feed_service_pb2.GetFeedResponse) -> Message:
    """Return the feed as feed_svc prints it for REST."""
    data = printer_of(feed.DESCRIPTOR)(feed).encode()
    answer: Message = HttpBody(content_type="application/json", data=data)
    return answer


ANSWERS = {"CreateUser": _create_user, "CreatePost": _create_post}


def _handlers(backend: Backend, service: ServiceDescriptor) -> "grpc.GenericRpcHandler[Any, Any]":
    """Return handlers for every method of a service: by rule, or with an empty response."""
    handlers = {
        method.name: grpc.unary_unary_rpc_method_handler(
            _handler(backend, method),
            request_deserializer=GetMessageClass(method.input_type).FromString,
            response_serializer=lambda response: response.SerializeToString(),
        )
        for method in service.methods
    }
    return grpc.method_handlers_generic_handler(service.full_name, handlers)


def _handler(backend: Backend, method: MethodDescriptor) -> Callable[[Any, Any], Awaitable[Message]]:
    async def handle(request: Any, context: Any) -> Message:
        metadata = dict(context.invocation_metadata())
        # REST calls of some methods come as calls of another one, which answers with ready JSON.
        name = method.name.removesuffix("Json")
        backend.seen.append(Seen(name, metadata, context.time_remaining(), request))
        await asyncio.sleep(backend.delay)
        if backend.held:
            await backend.held.wait()
        await _fail(backend, context)
        if method.name == "PickRendition":
            place = f"https://media.example/m/{request.media_id}/{request.width}.avif"
            await context.send_initial_metadata((("location", place), ("cache-control", "public, max-age=60")))
        if name == "GetFeed":
            if backend.headers:
                await context.send_initial_metadata(backend.headers)
            return backend.feed if method.name == name else _ready_json(backend.feed)
        if name == "GetPost" and backend.feed.items:
            return post_service_pb2.GetPostResponse(post=backend.feed.items[0].post)
        if name == "GetUser" and backend.feed.items:
            return user_service_pb2.GetUserResponse(user=backend.feed.items[0].author)
        answer = ANSWERS.get(method.name)
        return answer(request) if answer else GetMessageClass(method.output_type)()

    return handle


async def _fail(backend: Backend, context: Any) -> None:
    if backend.failure is None or backend.failures_left == 0:
        return
    backend.failures_left -= 1
    code, reason, message = backend.failure
    if not reason:
        await context.abort(code, message)
    detail = AnyMessage()
    detail.Pack(ErrorInfo(reason=reason, domain="lensfeed"))
    status = Status(code=code.value[0], message=message, details=[detail])
    await context.abort(code, message, (("grpc-status-details-bin", status.SerializeToString()), *backend.trailers))


async def start_backend(
    identity: MeshIdentity | None = None, address: str = "127.0.0.1:0"
) -> tuple[Backend, grpc.aio.Server]:
    """Start a backend, by default on a free port. With `identity`, it uses mTLS as that part."""
    backend = Backend()
    server = grpc.aio.server()
    server.add_generic_rpc_handlers([_handlers(backend, service) for service in ALL])
    health_pb2_grpc.add_HealthServicer_to_server(backend.health, server)
    port = (
        server.add_insecure_port(address)
        if identity is None
        else server.add_secure_port(address, server_credentials(identity))
    )
    backend.address = f"127.0.0.1:{port}"
    await server.start()
    return backend, server
