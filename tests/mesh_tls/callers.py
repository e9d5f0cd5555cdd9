"""Calls a service's own address as every kind of caller."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import grpc

from meshkit.identity.parts import MeshIdentity, dns_name
from tests.errors import reason_of

USER = (("x-user-id", "5"), ("x-session-id", "s"))
NO_METADATA: tuple[tuple[str, str], ...] = ()


class Answer(NamedTuple):
    """A status and its reason. OK has no reason, nor has UNAVAILABLE for a failed connection."""

    code: grpc.StatusCode
    reason: str = ""


REFUSED = Answer(grpc.StatusCode.PERMISSION_DENIED, "PEER_REFUSED")
NO_CONNECTION = Answer(grpc.StatusCode.UNAVAILABLE)


def channel_as(address: str, part: str, identity: MeshIdentity | None) -> grpc.aio.Channel:
    """Open a channel with a certificate, or in the clear."""
    # No channel of another caller is shared, and nothing is tried twice.
    options: list[tuple[str, Any]] = [("grpc.use_local_subchannel_pool", 1), ("grpc.enable_retries", 0)]
    if identity is None:
        return grpc.aio.insecure_channel(address, options=options)
    credentials = grpc.ssl_channel_credentials(
        identity.authorities.read_bytes(), identity.key.read_bytes(), identity.certificate.read_bytes()
    )
    return _secure(address, part, credentials, options)


def channel_without_certificate(address: str, part: str, trusting: MeshIdentity) -> grpc.aio.Channel:
    """Open a channel with TLS but no client certificate."""
    credentials = grpc.ssl_channel_credentials(trusting.authorities.read_bytes())
    return _secure(address, part, credentials, [("grpc.use_local_subchannel_pool", 1), ("grpc.enable_retries", 0)])


async def answer(channel: grpc.aio.Channel, path: str, metadata: Sequence[tuple[str, str]] = NO_METADATA) -> Answer:
    """Call a method with an empty request."""
    try:
        await channel.unary_unary(path, bytes, bytes)(b"", metadata=tuple(metadata), timeout=10)
    except grpc.aio.AioRpcError as error:
        return Answer(error.code(), reason_of(error) if error.code() is not grpc.StatusCode.UNAVAILABLE else "")
    return Answer(grpc.StatusCode.OK)


def _secure(
    address: str, part: str, credentials: grpc.ChannelCredentials, options: list[tuple[str, Any]]
) -> grpc.aio.Channel:
    named = ("grpc.ssl_target_name_override", dns_name(part))
    return grpc.aio.secure_channel(address, credentials, options=[*options, named])
