"""The Python client's wheel in its own environment."""

import asyncio
import importlib.util
import subprocess
import sys
import tomllib
import venv
from asyncio.subprocess import PIPE, STDOUT
from configparser import ConfigParser
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from tests.blackbox.mesh import Mesh
from tests.media_svc.pictures import encoded, quarters

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
CLIENT = ROOT / "clients" / "python"


def build(wheels: Path) -> Path:
    """Build the wheel as `make stubs-python` does, and return it."""
    spec = importlib.util.spec_from_file_location("build_wheel", CLIENT / "build_wheel.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    module.main(wheels)
    (wheel,) = wheels.glob("*.whl")
    return wheel


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the interpreter of an environment with only the wheel and its dependencies."""
    folder = tmp_path_factory.mktemp("wheel")
    venv.create(folder / "venv", with_pip=False, symlinks=True)
    python = folder / "venv" / "bin" / "python"
    pip = (sys.executable, "-m", "pip", "--python", str(python), "install", "--quiet", "--disable-pip-version-check")
    subprocess.run([*pip, str(build(folder))], check=True)
    return python


def test_the_two_wheels_agree() -> None:
    """Client and server have the same version, and the client accepts what the server and `lensfeed` install."""
    project = tomllib.loads((CLIENT / "pyproject.toml").read_text())["project"]
    setup = ConfigParser()
    setup.read(ROOT / "setup.cfg")
    assert project["version"] == setup["metadata"]["version"]
    wanted = [Requirement(each) for each in (*project["dependencies"], *project["optional-dependencies"]["cli"])]
    assert len(wanted) > 8
    installed = f"{setup['options']['install_requires']} {setup['options.extras_require']['mesh']}".split()
    lowest = {each.name: each.specifier for each in map(Requirement, installed)}
    for each in wanted:
        [begin] = [part.version for part in lowest[each.name] if part.operator == ">="]
        assert each.specifier.contains(begin), each


@pytest.mark.mesh
async def test_the_tour(mesh: Mesh, python: Path, tmp_path: Path) -> None:
    """With only the wheel, a program signs up, uploads, posts and reads a feed."""
    photo = tmp_path / "photo.jpg"
    photo.write_bytes(encoded(quarters(), "image/jpeg"))
    command = (str(python), "-I", str(CLIENT / "examples" / "tour.py"), mesh.url, str(photo))
    process = await asyncio.create_subprocess_exec(*command, stdout=PIPE, stderr=STDOUT, cwd=tmp_path)
    output = (await process.communicate())[0].decode()
    assert process.returncode == 0, output
    assert ": Hello from Python http" in output
    assert "bob cannot delete it: POST_NOT_FOUND" in output
