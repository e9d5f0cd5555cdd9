"""Apps built with an earlier release on today's mesh. `make contracts` compares the wire format; this tests behaviour."""

import asyncio
import json
import os
import sys
from asyncio.subprocess import PIPE
from pathlib import Path

import pytest
from google.protobuf.descriptor_pb2 import FileDescriptorSet

from tests.blackbox.contract import released_tour
from tests.blackbox.mesh import Mesh

pytestmark = pytest.mark.mesh

RELEASED = Path(__file__).parents[3] / "protos" / "released"


def newest_release() -> Path:
    """Return the contracts of the last release."""
    return max(RELEASED.glob("*.binpb"), key=lambda path: [int(number) for number in path.stem.split(".")])


def methods_of(files: FileDescriptorSet) -> list[str]:
    """Return the paths of all methods."""
    services = [(file.package, service) for file in files.file for service in file.service]
    return sorted(
        f"/{package}.{service.name}/{method.name}" for package, service in services for method in service.method
    )


async def output_of(*command: str, **environment: str) -> bytes:
    """Run a program that must succeed, and return its output."""
    process = await asyncio.create_subprocess_exec(
        *command, stdout=PIPE, stderr=PIPE, env={**os.environ, **environment}
    )
    output, complaint = await process.communicate()
    assert process.returncode == 0, complaint.decode()
    return output


async def test_an_app_of_the_last_release_still_works(mesh: Mesh, photo: bytes, tmp_path: Path) -> None:
    """The release's stubs can call every method and get the reasons that the app knows."""
    contracts = FileDescriptorSet.FromString(newest_release().read_bytes())
    ours = [file.name for file in contracts.file if file.name.startswith("lensfeed/")]
    stubs, picture = tmp_path / "stubs", tmp_path / "photo.jpg"
    stubs.mkdir()
    picture.write_bytes(photo)
    protoc = (sys.executable, "-m", "grpc_tools.protoc", f"--descriptor_set_in={newest_release()}")
    await output_of(*protoc, f"--python_out={stubs}", f"--grpc_python_out={stubs}", *ours)
    # -P keeps the program's folder, with today's tests, out of its path.
    output = await output_of(
        sys.executable, "-P", released_tour.__file__, mesh.address, str(picture), PYTHONPATH=str(stubs)
    )
    assert json.loads(output) == {
        "same user": True,
        "bio": "From afar",
        "following": True,
        "followers": True,
        "followees": True,
        "own posts": True,
        "caption in the feed": released_tour.CAPTION,
        "post in the feed": True,
        "picture in the feed": [True],
        "more to come": [False, 0],
        "deleted": "NOT_FOUND POST_NOT_FOUND",
        "no caption": "INVALID_ARGUMENT MEDIA_COUNT",
        "methods": methods_of(contracts),
        "generated": [f"{stubs}/"],
    }
