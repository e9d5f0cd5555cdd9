"""What the edge answers in gRPC by itself: the public contracts, and the health of the mesh."""

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

from edge_proxy.answers.reflection import MAX_QUESTIONS
from tests.edge_proxy.backend import INTERNAL, SERVICES, Backend
from tests.edge_proxy.conftest import Edge, leading_to, running_edge, until_serving
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
    """Begin a call."""
    method = edge.channel.stream_stream(
        f"/{version}.ServerReflection/ServerReflectionInfo",
        request_serializer=Question.SerializeToString,
        response_deserializer=reflection_pb2.ServerReflectionResponse.FromString,
    )
    return method(questions, timeout=10)


async def ask(edge: Edge, *questions: Any, version: str = VERSIONS[0]) -> list[Any]:
    """Ask in one call, and return the answers."""
    return [answer async for answer in stream(edge, version, _each(list(questions)))]


def files_of(answer: Any) -> dict[str, FileDescriptorProto]:
    """Read the files of an answer."""
    files = map(FileDescriptorProto.FromString, answer.file_descriptor_response.file_descriptor_proto)
    return {file.name: file for file in files}


@pytest.mark.parametrize("version", VERSIONS)
async def test_it_lists_every_public_service(edge: Edge, version: str) -> None:
    """All services that apps may call, together, and what tells of them; without a token."""
    (answer,) = await ask(edge, LIST, version=version)
    names = {service.name for service in answer.list_services_response.service}
    beside = {f"{each}.ServerReflection" for each in VERSIONS} | {"grpc.health.v1.Health"}
    assert names == {service.full_name for service in SERVICES} | beside


async def test_it_describes_every_public_service_whole(edge: Edge) -> None:
    """With each service come all files that it needs, with their comments, options and JSON names."""
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
async def test_what_is_between_services_is_unknown(edge: Edge, version: str) -> None:
    """No internal service, no method or message of one and no event is described, by its name or its file."""
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


async def test_questions_go_to_and_fro(edge: Edge) -> None:
    """A question is answered while its call goes on, as tools ask the next by what they have learnt."""
    call = stream(edge, VERSIONS[0])
    for question in (LIST, Question(file_containing_symbol="lensfeed.feed.v1.FeedService"), LIST):
        await call.write(question)
        assert (await call.read()).original_request == question
    await call.done_writing()
    assert await call.code() is grpc.StatusCode.OK


async def test_a_call_has_so_many_questions(edge: Edge) -> None:
    """One that asks on and on is ended."""
    call = stream(edge, VERSIONS[0], _each([LIST] * (MAX_QUESTIONS + 1)))
    assert len([await call.read() for _ in range(MAX_QUESTIONS)]) == MAX_QUESTIONS
    assert await call.code() is grpc.StatusCode.RESOURCE_EXHAUSTED


@pytest.mark.parametrize("symbol", ["UserService", "UserService.GetUser", "GetUserRequest", "User.handle"])
async def test_a_part_of_a_contract_has_its_file(edge: Edge, symbol: str) -> None:
    """Services, their methods, messages and fields lead to the file that they stand in."""
    (answer,) = await ask(edge, Question(file_containing_symbol=f"lensfeed.user.v1.{symbol}"))
    assert any(name.startswith("lensfeed/user/v1/") for name in files_of(answer))


async def test_details_of_errors_can_be_read(edge: Edge) -> None:
    """What stands in errors is described, too."""
    (answer,) = await ask(edge, Question(file_containing_symbol="google.rpc.ErrorInfo"))
    assert files_of(answer)


async def test_gRPC_Web_gets_it_too(edge: Edge) -> None:  # noqa: N802 - the protocol's name
    """Tools that speak nothing else ask all of their questions at once."""
    content = LIST.SerializeToString()
    response = await edge.http.post(
        f"/{VERSIONS[0]}.ServerReflection/ServerReflectionInfo",
        content=struct.pack(">BI", 0, len(content)) + content,
        headers={"content-type": "application/grpc-web+proto", "x-grpc-web": "1"},
    )
    assert b"lensfeed.feed.v1.FeedService" in response.content


async def test_health_is_that_of_the_mesh(edge: Edge, lonely_edge: Edge) -> None:
    """SERVING where every service is, and else not; a name of one of them is unknown."""
    for where, status in (
        (edge, health_pb2.HealthCheckResponse.SERVING),
        (lonely_edge, health_pb2.HealthCheckResponse.NOT_SERVING),
    ):
        outcome = await grpc_call(where, HEALTH, health_pb2.HealthCheckRequest(), {})
        assert health_pb2.HealthCheckResponse.FromString(outcome.answer).status == status
    one_of_them = health_pb2.HealthCheckRequest(service="lensfeed.user.v1.UserService").SerializeToString()
    with pytest.raises(grpc.aio.AioRpcError) as failure:
        await edge.channel.unary_unary(HEALTH, bytes, bytes)(one_of_them)
    assert failure.value.code() is grpc.StatusCode.NOT_FOUND


async def test_contracts_are_told_while_services_are_down(lonely_edge: Edge) -> None:
    """The edge needs nobody for it."""
    assert await ask(lonely_edge, LIST)


async def test_without_it_the_rest_goes_on(
    backend: Backend, tmp_path: Path, jwks_file: Path, bearer: dict[str, str]
) -> None:
    """Where the edge cannot answer by itself, these calls are UNAVAILABLE, the log says why, and all others work."""
    (tmp_path / "own.sock").mkdir()
    async with running_edge(tmp_path, jwks_file, leading_to(backend.address)) as edge:
        await until_serving(edge)
        outcome = await grpc_call(edge, HEALTH, health_pb2.HealthCheckRequest(), {})
        assert (outcome.code, outcome.reason) == (Code.UNAVAILABLE, "UNAVAILABLE")
        path = "/lensfeed.feed.v1.FeedService/GetFeed"
        assert (await grpc_call(edge, path, feed_service_pb2.GetFeedRequest(), bearer)).code == Code.OK
        assert "no reflection" in edge.log.read_text()
