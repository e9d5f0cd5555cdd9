"""A mesh whose every process runs out of its image takes a photo from its upload to a feed."""

import asyncio
import contextlib
import json
import os
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import replace

import pytest
import pytest_asyncio
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from devmesh.environment import shared_environment
from devmesh.layout import Layout, chosen_ports
from devmesh.parts.mesh import keys_command, mesh_parts
from devmesh.secrets.passwords import load_passwords
from devmesh.secrets.token_keys import make_keys
from devmesh.supervise.display import Display
from devmesh.supervise.part import Part
from devmesh.supervise.supervisor import Supervisor
from meshkit.settings import PREFIX
from tests.blackbox.mesh import Reach, connected
from tests.blackbox.people import new_user
from tests.images.image import Image, opened
from tests.media_svc.pictures import encoded, quarters
from tools.images import BILLS
from tools.requirements import version
from tools.roles import ROLES

pytestmark = pytest.mark.images

SHARED = ("sqlite", "keys", "edge")
"""The folders of a mesh that processes in images need. Each belongs to their user."""


@pytest.fixture(scope="module")
def images() -> Iterator[Mapping[str, Image]]:
    """Give the image of each role."""
    with contextlib.ExitStack() as stack:
        yield {role: stack.enter_context(opened(f"localhost/lensfeed-{role}:{version()}")) for role in ROLES}


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def layout(images: Mapping[str, Image], tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Layout]:
    """Run a mesh with the machine's own Valkey and SeaweedFS, and everything else out of images."""
    data = tmp_path_factory.mktemp("mesh")
    uid, gid = map(int, images["user"].user.split(":"))
    with chosen_ports(0, None) as ports:
        layout = Layout(data, ports, load_passwords(data / "secrets.json"))
        env = shared_environment(layout, os.environ)
        await make_keys(layout.keys, keys_command(layout, env))
        for name in SHARED:
            (data / name).mkdir(exist_ok=True)
        for path in (data / name for name in SHARED):
            for each in (path, *path.rglob("*")):
                os.chown(each, uid, gid)
        parts = mesh_parts(layout, env)
        parts = replace(
            parts,
            services=tuple(in_image(part, images, layout) for part in parts.services),
            workers=tuple(in_image(part, images, layout) for part in parts.workers),
            edges=tuple(in_image(part, images, layout) for part in parts.edges),
        )
        supervisor = Supervisor(parts.groups(), Display())
        try:
            for group in parts.groups():
                supervisor.start(group)
            await supervisor.ready([part for group in parts.groups() for part in group])
            yield layout
        finally:
            await supervisor.stop()


def in_image(part: Part, images: Mapping[str, Image], layout: Layout) -> Part:
    """Return a part that runs the same command out of the image of its role."""
    image = images[part.name.partition("-")[0]]
    shared = tuple(layout.data / name for name in SHARED)
    settings = {name: value for name, value in part.command.env.items() if name.startswith(PREFIX)}
    own = {**settings, **image.environment, "PATH": image.path}
    argv = image.command("python", *part.command.argv[1:], shared=shared)
    return replace(part, command=replace(part.command, argv=argv, env=own))


async def test_a_photo_reaches_a_feed(layout: Layout, images: Mapping[str, Image]) -> None:
    """Ann uploads and posts a photo, Bob sees it, and the edge serves it. Every process is healthy by its image's own check."""
    async with connected(layout.url) as reach:
        await _photo_in_feed(reach)
    for name, (port,) in layout.ports.services.items():
        check = images[name].config["Healthcheck"]["Test"]
        assert check[0] == "CMD"
        done = await asyncio.to_thread(images[name].run, *check[1:], env={"LENSFEED_LISTEN_ADDR": f"127.0.0.1:{port}"})
        assert done.returncode == 0, done.stderr


async def _photo_in_feed(reach: Reach) -> None:
    ann, bob = await new_user(reach, "ann"), await new_user(reach, "bob")
    await bob.follow(ann)
    await ann.post("Out of an image", [await ann.upload(encoded(quarters(), "image/jpeg"))])
    await bob.sees("Out of an image")
    [page] = await bob.pages(10)
    for rendition in page["items"][0]["post"]["media"][0]["renditions"]:
        picture = await reach.http.get(rendition["url"])
        assert (picture.status_code, picture.headers["content-type"]) == (200, rendition["contentType"])


@pytest.mark.parametrize("role", ROLES)
def test_an_image_says_what_it_is(role: str, images: Mapping[str, Image]) -> None:
    """An image names its role and version, runs as nobody who owns its files, and has nothing to install or build with."""
    image = images[role]
    labels = image.config["Labels"]
    assert labels["org.opencontainers.image.title"] == f"lensfeed-{role}"
    assert labels["org.opencontainers.image.version"] == version()
    assert image.user == "10001:10001"
    owners = {path.lstat().st_uid for path in (image.root / "opt").rglob("*")}
    assert owners == {0}
    assert not [name for name in ("pip", "apt-get", "curl", "gcc") if (image.root / "usr" / "bin" / name).exists()]


@pytest.mark.parametrize("role", ROLES)
def test_a_bill_is_valid(role: str) -> None:
    """The bill of materials of an image is valid CycloneDX, and names lensfeed, gRPC and Debian's C library."""
    text = (BILLS / f"{role}.json").read_text()
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None
    names = {component["name"] for component in json.loads(text)["components"]}
    assert {"lensfeed", "grpcio", "libc6"} <= names
