"""Every method refuses every caller that it is not for."""

from collections.abc import Callable

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from meshkit.grpc.mesh_channel import ops_channel
from meshkit.identity.parts import EDGE, NAMES, OPS, SERVICES
from tests.blackbox.mesh import Mesh
from tests.mesh_tls.callers import (
    NO_CONNECTION,
    NO_METADATA,
    REFUSED,
    USER,
    Answer,
    answer,
    channel_as,
    channel_without_certificate,
)
from tests.mesh_tls.conftest import Certificates
from tests.rpcs import HIDDEN, PUBLIC, RPCS, Rpc

pytestmark = pytest.mark.mesh

Tell = Callable[[str], None]
PROCESSES = (*(f"{name}-serve" for name in SERVICES), "post-work", "media-work", "feed-work")


def served(part: str) -> list[Rpc]:
    """List the methods of a part."""
    found = [rpc for rpc in RPCS if rpc.part == part]
    assert found
    return found


def admitted(rpc: Rpc, caller: str, states_user: bool) -> bool:
    """Whether a method is for a caller, as in the table of docs/security.md."""
    if rpc.is_internal:
        return caller in (*SERVICES, OPS) and not states_user
    return caller == EDGE


@pytest.mark.parametrize("part", SERVICES)
async def test_without_a_certificate_of_the_mesh_there_is_no_connection(
    mesh: Mesh, certificates: Certificates, part: str, tell: Tell
) -> None:
    """In the clear, over TLS without a certificate, or as another authority's `edge`, no method answers."""
    address, calls = mesh.addresses[f"{part}-serve"], 0
    for channel in (
        channel_as(address, part, None),
        channel_without_certificate(address, part, certificates.of(OPS)),
        channel_as(address, part, certificates.foreign_of(EDGE)),
    ):
        async with channel:
            for rpc in served(part):
                for metadata in (NO_METADATA, USER):
                    assert await answer(channel, rpc.path, metadata) == NO_CONNECTION, rpc
                    calls += 1
    tell(f"{part}: {calls} calls without a certificate of the mesh, 0 unauthorised answers")


@pytest.mark.parametrize("part", SERVICES)
async def test_a_method_answers_only_permitted_callers(
    mesh: Mesh, certificates: Certificates, part: str, tell: Tell
) -> None:
    """Each part, and a stranger with a certificate of the mesh, is admitted only as the table says."""
    address, refused, answered = mesh.addresses[f"{part}-serve"], 0, 0
    for caller in (*NAMES, "stranger"):
        async with channel_as(address, part, certificates.of(caller)) as channel:
            for rpc in served(part):
                for metadata in (NO_METADATA, USER):
                    got = await answer(channel, rpc.path, metadata)
                    if admitted(rpc, caller, states_user=bool(metadata)):
                        assert got not in {REFUSED, NO_CONNECTION}, f"{rpc} by {caller}: {got}"
                        needs_user = not (rpc.is_internal or rpc.is_open or metadata)
                        assert (got.reason == "TOKEN_MISSING") == needs_user, f"{rpc} by {caller}: {got}"
                        answered += 1
                    else:
                        assert got == REFUSED, f"{rpc} by {caller}: {got}"
                        refused += 1
    assert answered >= len(served(part))
    tell(
        f"{part}: {refused} calls refused of {refused + answered} with certificates of the mesh, 0 unauthorised answers"
    )


async def test_a_peer_must_have_the_services_certificate(mesh: Mesh, certificates: Certificates) -> None:
    """If user_svc listens where post_svc should be, it gets no call."""
    public = next(rpc for rpc in PUBLIC if rpc.part == "post")
    async with channel_as(mesh.addresses["user-serve"], "post", certificates.of(EDGE)) as channel:
        assert await answer(channel, public.path, USER) == NO_CONNECTION
    async with channel_as(mesh.addresses["user-serve"], "user", certificates.of(EDGE)) as channel:
        assert (await answer(channel, public.path, USER)).code is grpc.StatusCode.UNIMPLEMENTED


@pytest.mark.parametrize("part", PROCESSES)
async def test_health_is_open_to_every_part_of_the_mesh(mesh: Mesh, certificates: Certificates, part: str) -> None:
    """Services and workers report their health to any part, and to nobody else."""
    name, request = part.partition("-")[0], health_pb2.HealthCheckRequest()
    async with ops_channel(mesh.addresses[part], name, certificates.own) as channel:
        answered = await health_pb2_grpc.HealthStub(channel).Check(request)
        assert answered.status == health_pb2.HealthCheckResponse.SERVING
    async with grpc.aio.insecure_channel(mesh.addresses[part]) as channel:
        with pytest.raises(grpc.aio.AioRpcError) as failure:
            await health_pb2_grpc.HealthStub(channel).Check(request, timeout=10)
        assert failure.value.code() is grpc.StatusCode.UNAVAILABLE


@pytest.mark.parametrize("part", PROCESSES)
async def test_channelz_is_for_operators(mesh: Mesh, certificates: Certificates, part: str) -> None:
    """Services and workers answer channelz for `ops` only."""
    name, path = part.partition("-")[0], "/grpc.channelz.v1.Channelz/GetServers"
    for caller in (*NAMES, "stranger"):
        async with channel_as(mesh.addresses[part], name, certificates.of(caller)) as channel:
            assert await answer(channel, path) == (Answer(grpc.StatusCode.OK) if caller == OPS else REFUSED), caller
            assert await answer(channel, path, USER) == REFUSED, caller
    async with channel_as(mesh.addresses[part], name, None) as channel:
        assert await answer(channel, path) == NO_CONNECTION


def test_the_matrix_is_complete() -> None:
    """The matrix contains public and internal methods and every service."""
    assert {rpc.part for rpc in PUBLIC} == set(SERVICES)
    assert len(HIDDEN) > 4
