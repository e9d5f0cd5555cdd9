"""Runs the `lensfeed` command as a process with its own home folder."""

import asyncio
import os
import sys
from asyncio.subprocess import PIPE
from dataclasses import dataclass
from itertools import count
from json import loads
from pathlib import Path
from typing import Any

from tests.blackbox.people import PASSWORD

Json = dict[str, Any]

_numbers = count(1)


@dataclass(frozen=True)
class Finished:
    """A command that has ended."""

    code: int | None
    out: str
    err: str

    @property
    def json(self) -> Json:
        """The only object that it printed."""
        assert self.code == 0, self
        found: Json = loads(self.out)
        return found

    @property
    def lines(self) -> list[Json]:
        """The objects that it printed, one per line."""
        assert self.code == 0, self
        return [loads(line) for line in self.out.splitlines()]

    @property
    def error(self) -> Json:
        """The last object on standard error."""
        found: Json = loads(self.err.splitlines()[-1])
        return found


@dataclass(frozen=True)
class User:
    """A user's home folder and the server that they use."""

    home: Path
    url: str | None = None

    def environment(self, **more: str) -> dict[str, str]:
        """Return the command's environment, which depends on the test machine as little as possible."""
        kept = {
            name: os.environ[name] for name in ("PATH", "PYTHONPATH", "COVERAGE_PROCESS_START") if name in os.environ
        }
        kept |= {name: value for name, value in os.environ.items() if name.startswith("COVERAGE_")}
        mine = {"HOME": str(self.home), "XDG_STATE_HOME": str(self.home / "state"), "TZ": "UTC", "LANG": "C.UTF-8"}
        return {**kept, **mine, **({"LENSFEED_URL": self.url} if self.url else {}), **more}

    async def start(self, *arguments: str, **env: str) -> asyncio.subprocess.Process:
        """Start a command with piped streams."""
        command = (sys.executable, "-m", "devmesh", *arguments)
        return await asyncio.create_subprocess_exec(
            *command, env=self.environment(**env), stdin=PIPE, stdout=PIPE, stderr=PIPE
        )

    async def run(self, *arguments: str, stdin: str = "", **env: str) -> Finished:
        """Run a command to its end."""
        process = await self.start(*arguments, **env)
        out, err = await process.communicate(stdin.encode())
        return Finished(process.returncode, out.decode(), err.decode())


async def new_user(home: Path, url: str, name: str, display_name: str = "") -> tuple[User, str]:
    """Sign someone up with the command and return their home and handle."""
    user, handle = User(home / name, url), f"{name}_{next(_numbers)}"
    user.home.mkdir()
    done = await user.run("signup", handle, "--name", display_name, "--password-stdin", stdin=f"{PASSWORD}\n")
    assert done.code == 0, done
    return user, handle
