"""gRPC reflection (v1 and v1alpha) of all public services."""

from collections.abc import AsyncIterator, Mapping
from typing import Any

import grpc
from google.protobuf import text_format
from google.protobuf.descriptor import FileDescriptor
from google.protobuf.descriptor_pb2 import FileDescriptorProto, FileDescriptorSet
from google.protobuf.descriptor_pool import DescriptorPool
from grpc_health.v1 import health_pb2
from grpc_reflection.v1alpha import reflection_pb2
from grpc_reflection.v1alpha._async import ReflectionServicer

from edge_proxy.answers.services import REFLECTION_METHOD, REFLECTION_SERVICES
from edge_proxy.public_contracts import public_files, service_names

# grpcurl sends one request for each service. A response may have 100 KB.
MAX_REQUESTS = 200


def reflection_handlers(descriptors: FileDescriptorSet) -> "list[grpc.GenericRpcHandler[Any, Any]]":
    """Return handlers for both versions. They show the public contracts and the edge's own services."""
    files = public_files(descriptors) | {file.name: file for file in _own_files()}
    servicer = ReflectionServicer(service_names(files), _FilePool(files))

    async def answers(questions: AsyncIterator[Any], context: Any) -> AsyncIterator[Any]:
        asked = 0
        async for answer in servicer.ServerReflectionInfo(questions, context):
            if (asked := asked + 1) > MAX_REQUESTS:
                await context.abort(
                    grpc.StatusCode.RESOURCE_EXHAUSTED, f"a call can have at most {MAX_REQUESTS} requests"
                )
            yield answer

    handler = grpc.stream_stream_rpc_method_handler(
        answers,
        request_deserializer=reflection_pb2.ServerReflectionRequest.FromString,
        response_serializer=reflection_pb2.ServerReflectionResponse.SerializeToString,
    )
    return [grpc.method_handlers_generic_handler(name, {REFLECTION_METHOD: handler}) for name in REFLECTION_SERVICES]


class _File:
    """A file descriptor for the servicer, with comments, which descriptors in a pool lack."""

    def __init__(self, name: str, files: Mapping[str, FileDescriptorProto]) -> None:
        self.name, self._files = name, files

    @property
    def dependencies(self) -> "list[_File]":
        """The files it imports."""
        return [_File(name, self._files) for name in self._files[self.name].dependency]

    def CopyToProto(self, proto: FileDescriptorProto) -> None:  # noqa: N802 - the library's name
        """Copy the file, comments included."""
        proto.CopyFrom(self._files[self.name])


class _FilePool:
    """The part of a descriptor pool's interface that the servicer needs, over these files only."""

    def __init__(self, files: Mapping[str, FileDescriptorProto]) -> None:
        self._files, self._pool = files, DescriptorPool()
        for file in files.values():
            self._pool.AddSerializedFile(file.SerializeToString())
        self.FindMessageTypeByName = self._pool.FindMessageTypeByName
        self.FindExtensionByNumber = self._pool.FindExtensionByNumber
        self.FindAllExtensions = self._pool.FindAllExtensions

    def FindFileByName(self, name: str) -> _File:  # noqa: N802 - the library's name
        """Find a file by name. Raises KeyError."""
        return self._known(self._pool.FindFileByName(name))

    def FindFileContainingSymbol(self, symbol: str) -> _File:  # noqa: N802 - the library's name
        """Find the file that declares a service, method, message or enum. Raises KeyError."""
        try:
            return self._known(self._pool.FindFileContainingSymbol(symbol))
        except KeyError:  # methods are not symbols to the pool
            return self._known(self._pool.FindMethodByName(symbol).containing_service.file)

    def _known(self, found: FileDescriptor) -> _File:
        return _File(found.name, self._files)


def _own_files() -> list[FileDescriptorProto]:
    """List the files of the edge's own services. The two reflection versions differ only in name."""
    health, earlier, later = FileDescriptorProto(), FileDescriptorProto(), FileDescriptorProto()
    health_pb2.DESCRIPTOR.CopyToProto(health)
    reflection_pb2.DESCRIPTOR.CopyToProto(earlier)
    text_format.Parse(text_format.MessageToString(earlier).replace("v1alpha", "v1"), later)
    return [health, earlier, later]
