"""Ask a process on this machine how it is: `python -m meshkit.probe [PART] alive|ready`. For probes without a shell.

It calls `LENSFEED_LISTEN_ADDR` with the part's certificate, if there is one. `alive` needs any answer, `ready` needs SERVING.
Without a part it asks for `MESH_PART`, which an image sets; an edge is asked at `LENSFEED_EDGE_HEALTH_ADDR`. Exits with 0 or 1.
"""

import http.client
import os
import sys
from pathlib import Path

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

from meshkit.identity.mtls import channel_credentials
from meshkit.identity.parts import MeshIdentity, dns_name
from meshkit.settings import Settings, SettingsError

SECONDS = 3.0
# Where a process listens on all addresses, it is asked on the loopback.
_ANY = ("0.0.0.0:", "[::]:")


class ProbeSettings(Settings):
    """What a probe reads of the process's settings. Their own classes would import far more."""

    listen_addr: str = ""
    edge_health_addr: str = ""
    mesh_tls: Path | None = None


def main() -> int:
    """Ask, and say why the answer is no."""
    *given, question = sys.argv[1:]
    [part] = given or [os.environ["MESH_PART"]]
    try:
        status = _status(part)
    except (OSError, http.client.HTTPException, SettingsError, grpc.RpcError) as error:
        print(f"{part} does not answer: {error!r}", file=sys.stderr)  # noqa: T201 - kubelet shows it as the probe's output
        return 1
    return 0 if question == "alive" or status == health_pb2.HealthCheckResponse.SERVING else 1


def _status(part: str) -> int:
    settings = ProbeSettings.load()
    if settings.edge_health_addr:
        return _edge_status(_reachable(settings.edge_health_addr))
    with _channel(part, settings) as channel:
        answer = health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(), timeout=SECONDS)
        return int(answer.status)


def _edge_status(address: str) -> int:
    edge = http.client.HTTPConnection(address, timeout=SECONDS)
    edge.request("GET", "/healthz")
    is_ready = edge.getresponse().status == http.HTTPStatus.OK
    return int(health_pb2.HealthCheckResponse.SERVING if is_ready else health_pb2.HealthCheckResponse.NOT_SERVING)


def _reachable(address: str) -> str:
    for everywhere in _ANY:
        if address.startswith(everywhere):
            return f"localhost:{address.removeprefix(everywhere)}"
    return address


def _channel(part: str, settings: ProbeSettings) -> grpc.Channel:
    address = _reachable(settings.listen_addr)
    if settings.mesh_tls is None:
        return grpc.insecure_channel(address)
    identity = MeshIdentity.find(settings.mesh_tls, part)
    options = (("grpc.ssl_target_name_override", dns_name(part)),)
    return grpc.secure_channel(address, channel_credentials(identity), options)


if __name__ == "__main__":
    sys.exit(main())
