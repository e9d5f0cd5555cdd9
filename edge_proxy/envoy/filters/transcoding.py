"""Translates REST with JSON and gRPC-Web to gRPC."""

from collections.abc import Sequence
from pathlib import Path

from google.api.httpbody_pb2 import HttpBody
from google.protobuf.descriptor_pb2 import FileDescriptorSet

from edge_proxy.contracts import Method, public_methods, read_descriptors
from edge_proxy.envoy.filters.skip_grpc import skip_grpc
from edge_proxy.json_types import Json, extension, typed
from edge_proxy.settings.edge import EdgeSettings

# A page of 100 posts with 10 media of a dozen renditions each has some 3 MiB.
MAX_RESPONSE_BYTES = 16 * 1024 * 1024
NOT_FOR_REST = (
    "grpc-accept-encoding",
    "grpc-message",
    "grpc-status",
    "grpc-status-details-bin",
    # Envoy adds the mesh's name on /healthz.
    "x-envoy-upstream-healthchecked-cluster",
)
REST_ONLY = "rest_responses"


def grpc_web_filter() -> Json:
    """Render the filter between gRPC-Web and gRPC."""
    return extension("envoy.filters.http.grpc_web", "extensions.filters.http.grpc_web.v3.GrpcWeb")


def transcoded_path(settings: EdgeSettings) -> Path:
    """Return the file with the contracts as the transcoder sees them."""
    return settings.edge_dir.absolute() / "transcoded.binpb"


def write_transcoded(settings: EdgeSettings) -> None:
    """Write the contracts for the transcoder. Raises ContractsError if they cannot be read."""
    transcoded_path(settings).write_bytes(transcoded(read_descriptors(settings.descriptor_set)).SerializeToString())


def transcoded(descriptors: FileDescriptorSet) -> FileDescriptorSet:
    """Return the contracts in which methods with ready JSON answer `google.api.HttpBody`, which needs no translation."""
    changed = FileDescriptorSet.FromString(descriptors.SerializeToString())
    ready = {method.path for method in public_methods(descriptors) if method.json_path}
    for file in changed.file:
        for service in file.service:
            for method in service.method:
                if f"/{file.package}.{service.name}/{method.name}" in ready:
                    method.output_type = f".{HttpBody.DESCRIPTOR.full_name}"
                    if HttpBody.DESCRIPTOR.file.name not in file.dependency:
                        file.dependency.append(HttpBody.DESCRIPTOR.file.name)
    return changed


def json_filter(settings: EdgeSettings, methods: Sequence[Method]) -> Json:
    """Render the filter between REST and gRPC.

    A field without presence is always printed (false, "0", "", []). An unset `optional` or message is absent.
    """
    return extension(
        "envoy.filters.http.grpc_json_transcoder",
        "extensions.filters.http.grpc_json_transcoder.v3.GrpcJsonTranscoder",
        proto_descriptor=str(transcoded_path(settings)),
        services=sorted({method.service for method in methods}),
        print_options={"always_print_primitive_fields": True},
        convert_grpc_status=True,
        # Unknown paths pass on to the routes, which serve the other paths and refuse the rest.
        request_validation_options={"reject_unknown_query_parameters": True},
        max_response_body_size=MAX_RESPONSE_BYTES,
    )


def rest_response_filter() -> Json:
    """Render the filter that removes gRPC's headers and trailers from REST responses.

    It runs before the transcoder, so that it sees the original request and the final response.
    """
    removals = [{"remove": header} for header in NOT_FOR_REST]
    return {
        "name": REST_ONLY,
        "typed_config": typed(
            "extensions.common.matching.v3.ExtensionWithMatcher",
            xds_matcher=skip_grpc(),
            extension_config=extension(
                "envoy.filters.http.header_mutation",
                "extensions.filters.http.header_mutation.v3.HeaderMutation",
                mutations={"response_mutations": removals, "response_trailers_mutations": removals},
            ),
        ),
    }
