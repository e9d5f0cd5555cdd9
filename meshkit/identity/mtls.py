"""mTLS between the parts of a mesh: the credentials of a part's server and channels, and who is at the other end."""

from collections.abc import Iterable, Mapping
from typing import Any

import grpc
import structlog

from meshkit.identity.parts import MeshIdentity, name_of

_log = structlog.get_logger()


def server_credentials(identity: MeshIdentity) -> grpc.ServerCredentials:
    """Make credentials that ask every client for a certificate of the mesh. Renewed files count from the next handshake on."""
    return grpc.dynamic_ssl_server_credentials(
        _configuration(identity), _Renewal(identity), require_client_authentication=True
    )


def listen(server: grpc.aio.Server, address: str, identity: MeshIdentity | None) -> int:
    """Let a server listen, with `identity` by mTLS and else in the clear; returns the port."""
    if identity is None:
        return server.add_insecure_port(address)
    return server.add_secure_port(address, server_credentials(identity))


def channel_credentials(identity: MeshIdentity) -> grpc.ChannelCredentials:
    """Make credentials that show the part's certificate, as its files are now. Raises OSError where they are none."""
    pems = identity.read()
    return grpc.ssl_channel_credentials(pems.authorities, pems.key, pems.certificate)


def peer_name(auth_context: Mapping[str, Iterable[bytes]]) -> str:
    """Return the part at the other end of a call; empty where its certificate names none of ours, or more than one."""
    identities = list(auth_context.get("peer_spiffe_id", ()))
    return name_of(identities[0].decode()) if len(identities) == 1 else ""


def _configuration(identity: MeshIdentity) -> Any:
    pems = identity.read()
    return grpc.ssl_server_certificate_configuration([(pems.key, pems.certificate)], pems.authorities)


class _Renewal:
    """Asked by grpc before each handshake, on a thread of its own: what to show from now on, or None for what it has."""

    def __init__(self, identity: MeshIdentity) -> None:
        self._identity = identity
        self._version = identity.version()

    def __call__(self) -> Any:
        try:
            version = self._identity.version()
            if version == self._version:
                return None
            renewed = _configuration(self._identity)
        except OSError as error:  # a file that is just being replaced; the next handshake asks again
            _log.warning("certificate_not_renewed", error=repr(error))
            return None
        self._version = version
        _log.info("certificate_renewed", name=self._identity.name)
        return renewed
