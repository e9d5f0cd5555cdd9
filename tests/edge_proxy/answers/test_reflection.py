"""gRPC reflection and health, as served by the edge itself."""

import struct
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.api import annotations_pb2
from google.protobuf.descriptor_pb2 import FileDescriptorProto, FileDescriptorSet
from google.rpc.code_pb2 import Code
from grpc_health.v1 import health_pb2
from grpc_reflection.v1alpha import reflection_pb2
from lensfeed.feed.v1 import feed_service_pb2

from edge_proxy.answers.reflection import MAX_REQUESTS
from tests.edge_proxy.backend import INTERNAL, SERVICES, Backend
from tests.edge_proxy.conftest import Edge, running_edge, services_at, until_serving
from tests.protocols import grpc_call
from tests.rpcs import DESCRIPTORS

VERSIONS = ("grpc.reflection.v1", "grpc.reflection.v1alpha")
HEALTH = "/grpc.health.v1.Health/Check"
Question = reflection_pb2.ServerReflectionRequest
LIST = Question(list_services="")


async def _each(questions: list[Any]) -> AsyncIterator[Any]:
    for question in questions:
        yield question


def stream(edge: Edge, version: str, questions: AsyncIterator[Any] | None = None) -> Any:
    """Start a reflection call."""
    method = edge.channel.stream_stream(
        f"/{version}.ServerReflection/ServerReflectionInfo",
        request_serializer=Question.SerializeToString,
        response_deserializer=reflection_pb2.ServerReflectionResponse.FromString,
    )
    return method(questions, timeout=10)


async def ask(edge: Edge, *questions: Any, version: str = VERSIONS[0]) -> list[Any]:
    """Send all requests in one call and return the responses."""
    return [answer async for answer in stream(edge, version, _each(list(questions)))]


def files_of(answer: Any) -> dict[str, FileDescriptorProto]:
    """Return the files of a response by name."""
    files = map(FileDescriptorProto.FromString, answer.file_descriptor_response.file_descriptor_proto)
    return {file.name: file for file in files}


@pytest.mark.parametrize("version", VERSIONS)
async def test_it_lists_every_public_service(edge: Edge, version: str) -> None:
    """Reflection lists all public services, itself and health, without a token."""
    (answer,) = await ask(edge, LIST, version=version)
    names = {service.name for service in answer.list_services_response.service}
    beside = {f"{each}.ServerReflection" for each in VERSIONS} | {"grpc.health.v1.Health"}
    assert names == {service.full_name for service in SERVICES} | beside


async def test_it_describes_every_public_service_completely(edge: Edge) -> None:
    """Each service comes with all imports, comments, options and JSON names."""
    for service, answer in zip(
        SERVICES, await ask(edge, *(Question(file_containing_symbol=each.full_name) for each in SERVICES)), strict=True
    ):
        files = files_of(answer)
        own = files[service.file.name]
        assert {needed for file in files.values() for needed in file.dependency} <= set(files)
        assert own.source_code_info.location
        assert own.message_type[0].field[0].json_name
        assert any(method.options.HasExtension(annotations_pb2.http) for method in own.service[0].method)


@pytest.mark.parametrize("version", VERSIONS)
async def test_internal_contracts_are_hidden(edge: Edge, version: str) -> None:
    """Internal services, their messages and events cannot be found by name or file."""
    public = {file.name for service in SERVICES for file in _with_imports(service.file)}
    hidden = [file for file in FileDescriptorSet.FromString(DESCRIPTORS.read_bytes()).file if _is_hidden(file, public)]
    assert {service.file.name for service in INTERNAL} < {file.name for file in hidden}
    symbols = [
        *(f"{file.package}.{service.name}" for file in hidden for service in file.service),
        *(f"{file.package}.{message.name}" for file in hidden for message in file.message_type),
        *(method.full_name for service in INTERNAL for method in service.methods),
    ]
    questions = [
        *(Question(file_by_filename=file.name) for file in hidden),
        *(Question(file_containing_symbol=symbol) for symbol in symbols),
    ]
    answers = await ask(edge, *questions, version=version)
    assert len(answers) == len(questions) > 20
    assert {answer.error_response.error_code for answer in answers} == {Code.NOT_FOUND}


def _with_imports(file: Any) -> list[Any]:
    return [file, *(each for needed in file.dependencies for each in _with_imports(needed))]


def _is_hidden(file: FileDescriptorProto, public: set[str]) -> bool:
    return file.package.startswith("lensfeed.") and file.name not in public


async def test_reflection_is_interactive(edge: Edge) -> None:
    """Each request is answered before the next one is sent, as tools expect."""
    call = stream(edge, VERSIONS[0])
    for question in (LIST, Question(file_containing_symbol="lensfeed.feed.v1.FeedService"), LIST):
        await call.write(question)
        assert (await call.read()).original_request == question
    await call.done_writing()
    assert await call.code() is grpc.StatusCode.OK


async def test_the_requests_of_a_call_are_limited(edge: Edge) -> None:
    """A call with too many requests gets RESOURCE_EXHAUSTED."""
    call = stream(edge, VERSIONS[0], _each([LIST] * (MAX_REQUESTS + 1)))
    assert len([await call.read() for _ in range(MAX_REQUESTS)]) == MAX_REQUESTS
    assert await call.code() is grpc.StatusCode.RESOURCE_EXHAUSTED


@pytest.mark.parametrize("symbol", ["UserService", "UserService.GetUser", "GetUserRequest", "User.handle"])
async def test_symbols_lead_to_their_file(edge: Edge, symbol: str) -> None:
    """Services, methods, messages and fields lead to the file that declares them."""
    (answer,) = await ask(edge, Question(file_containing_symbol=f"lensfeed.user.v1.{symbol}"))
    assert any(name.startswith("lensfeed/user/v1/") for name in files_of(answer))


async def test_error_details_are_described(edge: Edge) -> None:
    """The types of error details are described."""
    (answer,) = await ask(edge, Question(file_containing_symbol="google.rpc.ErrorInfo"))
    assert files_of(answer)


async def test_reflection_over_gRPC_Web(edge: Edge) -> None:  # noqa: N802 - the protocol's name
    """Reflection works over gRPC-Web if all requests are sent at once."""
    content = LIST.SerializeToString()
    response = await edge.http.post(
        f"/{VERSIONS[0]}.ServerReflection/ServerReflectionInfo",
        content=struct.pack(">BI", 0, len(content)) + content,
        headers={"content-type": "application/grpc-web+proto", "x-grpc-web": "1"},
    )
    assert b"lensfeed.feed.v1.FeedService" in response.content


async def test_health_is_that_of_the_mesh(edge: Edge, edge_without_services: Edge) -> None:
    """GRPC health reports the whole mesh; names of services are NOT_FOUND."""
    for where, status in (
        (edge, health_pb2.HealthCheckResponse.SERVING),
        (edge_without_services, health_pb2.HealthCheckResponse.NOT_SERVING),
    ):
        outcome = await grpc_call(where, HEALTH, health_pb2.HealthCheckRequest(), {})
        assert health_pb2.HealthCheckResponse.FromString(outcome.answer).status == status
    one_of_them = health_pb2.HealthCheckRequest(service="lensfeed.user.v1.UserService").SerializeToString()
    with pytest.raises(grpc.aio.AioRpcError) as failure:
        await edge.channel.unary_unary(HEALTH, bytes, bytes)(one_of_them)
    assert failure.value.code() is grpc.StatusCode.NOT_FOUND


async def test_reflection_works_without_the_services(edge_without_services: Edge) -> None:
    """Reflection does not depend on the services."""
    assert await ask(edge_without_services, LIST)


async def test_other_calls_work_without_the_builtin_server(
    backend: Backend, tmp_path: Path, jwks_file: Path, bearer: dict[str, str]
) -> None:
    """If the built-in server fails, its calls are UNAVAILABLE, the log says why, and others work."""
    (tmp_path / "own.sock").mkdir()
    async with running_edge(tmp_path, jwks_file, services_at(backend.address)) as edge:
        await until_serving(edge)
        outcome = await grpc_call(edge, HEALTH, health_pb2.HealthCheckRequest(), {})
        assert (outcome.code, outcome.reason) == (Code.UNAVAILABLE, "UNAVAILABLE")
        path = "/lensfeed.feed.v1.FeedService/GetFeed"
        assert (await grpc_call(edge, path, feed_service_pb2.GetFeedRequest(), bearer)).code == Code.OK
        assert "reflection and health are off" in edge.log.read_text()
