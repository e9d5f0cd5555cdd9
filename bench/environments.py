"""Runs third-party tools in their own virtual environments, which are created once and kept."""

import asyncio
import contextlib
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path

CACHE = Path.home() / ".cache" / "lensfeed" / "bench"


async def python_with(name: str, requirements: Sequence[str]) -> Path:
    """Return the Python of an environment with these packages. Raises RuntimeError if they cannot be installed."""
    folder = CACHE / f"{name}-py{sys.version_info.major}.{sys.version_info.minor}"
    python, done = folder / "bin" / "python", folder / "installed"
    wanted = "\n".join(requirements)
    if not done.exists() or done.read_text() != wanted:
        await _run(sys.executable, "-m", "venv", "--clear", str(folder))
        await _run(str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *requirements)
        done.write_text(wanted)
    return python


class Answering:
    """A program that answers each line of input with a line."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    async def read(self) -> str:
        """Return its next line. Raises RuntimeError if it has exited."""
        assert self._process.stdout is not None  # noqa: S101 - it was opened with one
        line = (await self._process.stdout.readline()).decode().strip()
        if not line:
            raise RuntimeError(f"the program exited with code {await self._process.wait()}")
        return line

    async def ask(self) -> str:
        """Send a line and return the answer."""
        assert self._process.stdin is not None  # noqa: S101 - it was opened with one
        self._process.stdin.write(b"\n")
        return await self.read()


@contextlib.asynccontextmanager
async def answering(*argv: str, env: Mapping[str, str] | None = None) -> AsyncIterator[Answering]:
    """Run a program while the block runs."""
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(*argv, stdin=pipe, stdout=pipe, env=env)
    try:
        yield Answering(process)
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()


async def _run(*argv: str) -> None:
    process = await asyncio.create_subprocess_exec(*argv)
    if code := await process.wait():
        raise RuntimeError(f"{' '.join(argv)} exited with code {code}")
