"""The `lensfeed` command line."""

import asyncio
import os
import socket
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

HEAVY = ("grpc", "aiobotocore", "httpx", "PIL", "pydantic", "redis")


async def lensfeed(*arguments: str, **env: str) -> tuple[int | None, str, str]:
    """Run the command. Returns exit code, stdout and stderr."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "devmesh", *arguments),
        env={**os.environ, "COLUMNS": "200", **env},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    output, errors = await process.communicate()
    return process.returncode, output.decode(), errors.decode()


async def test_help_names_every_command() -> None:
    """--help lists every command."""
    code, output, _ = await lensfeed("--help")
    assert code == 0
    assert all(name in output for name in ("dev", "seed", "version"))


@pytest.mark.parametrize("argument", ["version", "--version"])
async def test_the_version_is_that_of_the_package(argument: str) -> None:
    """The command and the option print the version alone."""
    assert await lensfeed(argument) == (0, f"lensfeed {version('lensfeed')}\n", "")


async def test_help_is_fast() -> None:
    """--help does not import slow packages."""
    script = f"import devmesh.__main__, sys; print([name for name in {HEAVY} if name in sys.modules])"
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", script, stdout=asyncio.subprocess.PIPE)
    output, _ = await process.communicate()
    assert output.decode().strip() == "[]"


async def test_a_mistyped_setting_is_refused_before_anything_starts(tmp_path: Path) -> None:
    """A mistyped setting is refused with a suggestion before anything starts."""
    code, output, errors = await lensfeed("dev", "--data", str(tmp_path / "data"), LENSFEED_LOG_LEVLE="DEBUG")
    assert (code, output) == (1, "")
    assert errors == "lensfeed: LENSFEED_LOG_LEVLE is not a setting; did you mean LENSFEED_LOG_LEVEL?\n"
    assert not (tmp_path / "data").exists()


async def test_a_port_in_use_is_refused_before_anything_starts(tmp_path: Path) -> None:
    """A port in use is refused in one sentence that names the option."""
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        code, output, errors = await lensfeed("dev", "--data", str(tmp_path), "--port", str(port))
    assert (code, output) == (1, "")
    assert errors == f"lensfeed: port {port} is in use; choose another for the edge with --port (0 picks a free one)\n"
    assert not (tmp_path / "logs").exists()


@pytest.mark.parametrize("arguments", [("dev", "--store", "paper"), ("dev", "--port", "70000"), ("nonsense",)])
async def test_a_wrong_argument_is_refused(arguments: tuple[str, ...]) -> None:
    """An invalid argument exits with 2."""
    code, output, errors = await lensfeed(*arguments)
    assert (code, output) == (2, "")
    assert errors


async def test_seed_without_a_mesh_says_what_to_do() -> None:
    """`seed` without a running mesh says how to start one."""
    code, _, errors = await lensfeed("seed", "--url", "http://127.0.0.1:1")
    assert code == 1
    assert "http://127.0.0.1:1 does not answer; start a mesh with `lensfeed dev`" in errors
