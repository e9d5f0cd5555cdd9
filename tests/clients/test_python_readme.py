"""The examples in the Python client's README."""

import asyncio
import re
from asyncio.subprocess import PIPE, STDOUT
from pathlib import Path
from sys import executable

import pytest

from tests.blackbox.mesh import Mesh
from tests.clients.python_people import new_handle
from tests.media_svc.pictures import encoded, quarters

pytestmark = pytest.mark.slow

README = Path(__file__).parents[2] / "clients" / "python" / "README.md"


@pytest.mark.mesh
async def test_every_example_runs(mesh: Mesh, tmp_path: Path) -> None:
    """Each example runs as printed, in order, except for the URL and the handle."""
    examples = re.findall(r"```python\n(.*?)```", README.read_text(), re.DOTALL)
    assert len(examples) > 5
    (tmp_path / "photo.jpg").write_bytes(encoded(quarters(), "image/jpeg"))
    handle = new_handle("ada")
    for example in examples:
        program = example.replace("http://127.0.0.1:8080", mesh.url).replace('"ada"', f'"{handle}"')
        program = program.replace("~/", f"{tmp_path}/")
        assert mesh.url in program
        command = (executable, "-W", "error", "-c", program)
        process = await asyncio.create_subprocess_exec(*command, cwd=tmp_path, stdout=PIPE, stderr=STDOUT)
        output = (await process.communicate())[0].decode()
        assert process.returncode == 0, f"{example}\n{output}"
        assert output or "feed.feed()" in example
        assert "Traceback" not in output
