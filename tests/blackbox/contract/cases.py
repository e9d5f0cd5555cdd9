"""Calls as data: what to send by each protocol, and the answer that all must give."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, TypeVar

import httpx
from google.protobuf import json_format
from google.protobuf.message import Message

from tests.blackbox.contract.scene import Scene
from tests.blackbox.people import Json
from tests.protocols import Edge, Headers, Outcome, grpc_call, grpc_web_call, rest_outcome

Way = Literal["REST", "gRPC", "gRPC-Web"]
WAYS: tuple[Way, ...] = ("REST", "gRPC", "gRPC-Web")
Asked = Callable[[Scene], Message]
M = TypeVar("M", bound=Message)


def as_caller(scene: Scene) -> Headers:
    """Authenticate as the table's caller."""
    return scene.headers


def as_nobody(_: Scene) -> Headers:
    """Send no authentication."""
    return {}


@dataclass(frozen=True)
class Call:
    """A message that is sent by REST and by gRPC.

    `rest` is like `GET /posts/{postId}`. Fields that the path does not name go into the body or the query.
    """

    rest: str
    method: str

    def path(self) -> str:
        """Return the gRPC method's path."""
        service, _, name = self.method.partition(".")
        return f"/lensfeed.{service.removesuffix('Service').lower()}.v1.{service}/{name}"

    def rest_call(self, message: Message) -> tuple[str, str, Json | None, Json]:
        """Return the REST method, path, body and query for a message."""
        method, _, template = self.rest.partition(" ")
        fields = json_format.MessageToDict(message)
        path = template.format_map({"postId": "", **fields})
        others = {name: value for name, value in fields.items() if f"{{{name}}}" not in template}
        return (method, path, others, {}) if method in {"POST", "PATCH"} else (method, path, None, others)

    async def over_rest(self, edge: Edge, message: Message, headers: Headers) -> httpx.Response:
        """Send the message by REST and return the response."""
        method, path, body, query = self.rest_call(message)
        return await edge.http.request(method, path, json=body, params=query, headers=headers)


@dataclass(frozen=True)
class Refused:
    """A row of the contract's error table. `field` is the one that must be reported as invalid."""

    reason: str
    code: int
    call: Call
    request: Asked
    field: str = ""
    headers: Callable[[Scene], Headers] = as_caller
    http_status: int = 0
    """Set if it differs from the code's usual one."""

    def asked(self, scene: Scene, _: Way) -> tuple[Message, Headers]:
        """Return the request and headers."""
        return self.request(scene), self.headers(scene)

    def __str__(self) -> str:
        return f"{self.call.method}-{self.reason}"


@dataclass(frozen=True)
class Good:
    """A call that succeeds, and a check of its answer.

    `fresh` are fields (such as `user.user_id`, also inside lists) that are set but differ from call to call.
    """

    call: Call
    request: Callable[[Scene, Way], Message]
    answer: type[Message]
    tells: Callable[[Scene, Any], object]
    fresh: Sequence[str] = ()
    headers: Callable[[Scene, Way], Headers] = lambda scene, _: as_caller(scene)
    redirect: str = ""
    """The field to which REST redirects instead of returning it."""
    name: str = ""

    def asked(self, scene: Scene, way: Way) -> tuple[Message, Headers]:
        """Return the request and headers."""
        return self.request(scene, way), self.headers(scene, way)

    def __str__(self) -> str:
        return f"{self.call.method}-{self.name or 'good'}"


async def called(edge: Edge, case: Refused | Good, scene: Scene, way: Way) -> tuple[Outcome, httpx.Response | None]:
    """Call by one protocol, waiting as long as rate limits ask. Return the outcome and REST's response."""
    while (result := await _called(edge, case, scene, way))[0].reason == "RATE_LIMITED":  # noqa: ASYNC110 - the answer says how long
        await asyncio.sleep(result[0].retry_delay)
    return result


async def _called(edge: Edge, case: Refused | Good, scene: Scene, way: Way) -> tuple[Outcome, httpx.Response | None]:
    message, headers = case.asked(scene, way)
    if way == "gRPC":
        return await grpc_call(edge, case.call.path(), message, headers), None
    if way == "gRPC-Web":
        return await grpc_web_call(edge, case.call.path(), message, headers), None
    response = await case.call.over_rest(edge, message, headers)
    return Outcome(0) if response.is_redirect else rest_outcome(response), response


def answer_of(case: Good, outcome: Outcome, response: httpx.Response | None) -> Message:
    """Parse an answer as a message."""
    if response is None:
        return case.answer.FromString(outcome.answer)
    return json_format.Parse(response.content, case.answer())


def without(message: M, fields: Sequence[str]) -> M:
    """Return a copy without these fields. Fails if one of them is not set."""
    copied = type(message)()
    copied.CopyFrom(message)
    for field in fields:
        _clear(copied, field)
    return copied


def _clear(message: Message, field: str) -> None:
    name, _, inner = field.partition(".")
    value = getattr(message, name)
    assert value, f"{field} is not set"
    if not inner:
        message.ClearField(name)
    elif isinstance(value, Message):
        _clear(value, inner)
    else:
        for each in value:
            _clear(each, inner)


def same_error(first: Outcome, second: Outcome) -> bool:
    """Compare everything that two protocols say about an error."""
    return replace(first, answer=b"") == replace(second, answer=b"")
