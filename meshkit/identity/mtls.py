"""mTLS between the parts of a mesh: credentials for servers and channels, and the peer's name."""

from collections.abc import Iterable, Mapping
from typing import Any

import grpc
import structlog

from meshkit.identity.parts import MeshIdentity, name_of

_log = structlog.get_logger()


def server_credentials(identity: MeshIdentity) -> grpc.ServerCredentials:
    """Create credentials that require clients' certificates. Renewed files are used from the next handshake on."""
    return grpc.dynamic_ssl_server_credentials(
        _configuration(identity), _Renewal(identity), require_client_authentication=True
    )


def listen(server: grpc.aio.Server, address: str, identity: MeshIdentity | None) -> int:
    """Let a server listen, with mTLS if `identity` is given. Returns the port."""
    if identity is None:
        return server.add_insecure_port(address)
    return server.add_secure_port(address, server_credentials(identity))


def channel_credentials(identity: MeshIdentity) -> grpc.ChannelCredentials:
    """Create credentials from a part's current files. Raises OSError if they are invalid."""
    pems = identity.read()
    return grpc.ssl_channel_credentials(pems.authorities, pems.key, pems.certificate)


def peer_name(auth_context: Mapping[str, Iterable[bytes]]) -> str:
    """Return the name of the peer; empty if its certificate names no part of ours, or several."""
    identities = list(auth_context.get("peer_spiffe_id", ()))
    return name_of(identities[0].decode()) if len(identities) == 1 else ""


def _configuration(identity: MeshIdentity) -> Any:
    pems = identity.read()
    return grpc.ssl_server_certificate_configuration([(pems.key, pems.certificate)], pems.authorities)


class _Renewal:
    """Called by gRPC before each handshake, in its own thread. Returns a new configuration, or None to keep the old one."""

    def __init__(self, identity: MeshIdentity) -> None:
        self._identity = identity
        self._version = identity.version()

    def __call__(self) -> Any:
        try:
            version = self._identity.version()
            if version == self._version:
                return None
            renewed = _configuration(self._identity)
        except OSError as error:  # a file is just being replaced; the next handshake tries again
            _log.warning("certificate_not_renewed", error=repr(error))
            return None
        self._version = version
        _log.info("certificate_renewed", name=self._identity.name)
        return renewed
