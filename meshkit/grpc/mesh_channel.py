"""Channels for operators and their tools."""

from pathlib import Path

import grpc

from meshkit.identity.mtls import channel_credentials
from meshkit.identity.parts import OPS, MeshIdentity, dns_name


def ops_channel(address: str, part: str, mesh_tls: Path | None) -> grpc.aio.Channel:
    """Open a plain channel to a part (`user`, `feed`, …); with mTLS, as `ops` and verifying the part."""
    if mesh_tls is None:
        return grpc.aio.insecure_channel(address)
    credentials = channel_credentials(MeshIdentity.find(mesh_tls, OPS))
    options = (("grpc.ssl_target_name_override", dns_name(part)),)
    return grpc.aio.secure_channel(address, credentials, options=options)
