"""Ask a process on this machine how it is: `python -m meshkit.probe PART alive|ready`. For probes without a shell.

It calls `LENSFEED_LISTEN_ADDR` with the part's certificate, if there is one. `alive` needs any answer, `ready` needs SERVING.
Exits with 0 or 1.
"""

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

    listen_addr: str
    mesh_tls: Path | None = None


def main() -> int:
    """Ask, and say why the answer is no."""
    part, question = sys.argv[1:3]
    try:
        status = _status(part)
    except (OSError, SettingsError, grpc.RpcError) as error:
        print(f"{part} does not answer: {error!r}", file=sys.stderr)  # noqa: T201 - kubelet shows it as the probe's output
        return 1
    return 0 if question == "alive" or status == health_pb2.HealthCheckResponse.SERVING else 1


def _status(part: str) -> int:
    with _channel(part) as channel:
        answer = health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(), timeout=SECONDS)
        return int(answer.status)


def _channel(part: str) -> grpc.Channel:
    settings = ProbeSettings.load()
    address = settings.listen_addr
    for everywhere in _ANY:
        if address.startswith(everywhere):
            address = f"localhost:{address.removeprefix(everywhere)}"
    if settings.mesh_tls is None:
        return grpc.insecure_channel(address)
    identity = MeshIdentity.find(settings.mesh_tls, part)
    options = (("grpc.ssl_target_name_override", dns_name(part)),)
    return grpc.secure_channel(address, channel_credentials(identity), options)


if __name__ == "__main__":
    sys.exit(main())
