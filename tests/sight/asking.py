"""Calls any method for a viewer, and tells what its answer says."""

from typing import Any

import grpc
from google.api import httpbody_pb2
from google.protobuf import descriptor_pool
from google.protobuf.json_format import MessageToJson
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from tests.errors import reason_of, status_of
from tests.rpcs import Rpc
from tests.sight.mesh import SightMesh
from tests.sight.scenes import Scene

NAMES = "names the other account"
SILENT = "answers without naming it"


async def outcome_of(mesh: SightMesh, rpc: Rpc, request: Message, scene: Scene) -> str:
    """Call a method as the viewer. Returns the reason of a refusal, NAMES or SILENT."""
    try:
        said = await _ask(mesh, rpc, request, scene.viewer_id)
    except grpc.aio.AioRpcError as error:
        is_telling = _names(f"{error.details()} {status_of(error)}", scene)
        return f"{reason_of(error)}, which {NAMES}" if is_telling else reason_of(error)
    return NAMES if _names(said, scene) else SILENT


async def _ask(mesh: SightMesh, rpc: Rpc, request: Message, viewer_id: int) -> str:
    """Return an answer with its headers as text."""
    method = descriptor_pool.Default().FindMethodByName(f"{rpc.service}.{rpc.name}")
    answers: Any = GetMessageClass(method.output_type)
    multi = mesh.channels[rpc.part].unary_unary(rpc.path, lambda each: each.SerializeToString(), answers.FromString)
    call: Any = multi(request, metadata=grpc.aio.Metadata(("x-user-id", str(viewer_id))))
    answer = await call
    return f"{_text_of(answer)} {await call.initial_metadata()} {await call.trailing_metadata()}"


def _text_of(answer: Message) -> str:
    return answer.data.decode() if isinstance(answer, httpbody_pb2.HttpBody) else MessageToJson(answer)


def _names(text: str, scene: Scene) -> bool:
    return any(mark in text for mark in scene.marks)
