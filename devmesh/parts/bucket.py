"""The bucket for media. media_svc defines its rules."""

import asyncio
import contextlib
import json
import sys
from asyncio.subprocess import DEVNULL, PIPE
from dataclasses import asdict, dataclass

from devmesh.errors import MeshError

_PREPARE = "devmesh.parts.prepare_bucket"


@dataclass(frozen=True)
class S3:
    """The address and credentials of an S3."""

    endpoint_url: str
    access_key: str
    secret_key: str
    bucket: str = "lensfeed-media"
    region: str = "us-east-1"
    edge_access_key: str = ""
    edge_secret_key: str = ""
    """The edge's key, which can read renditions only; empty where there is no edge."""


async def prepare_bucket(s3: S3) -> None:
    """Create the bucket if needed, set its rules and wait until it accepts writes. Repeatable. Raises MeshError.

    The S3 client takes 50 MB, so it runs in a process that ends.
    """
    argv = (sys.executable, "-P", "-m", _PREPARE)
    process = await asyncio.create_subprocess_exec(
        *argv, stdin=PIPE, stdout=DEVNULL, stderr=PIPE, start_new_session=True
    )
    try:
        _, errors = await process.communicate(json.dumps(asdict(s3)).encode())
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
    if process.returncode:
        why = errors.decode(errors="replace").strip().rpartition("\n")[2]
        raise MeshError(f"cannot prepare the bucket {s3.bucket}: {why}")
