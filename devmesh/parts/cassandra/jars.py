"""Finds Java and Cassandra's jars, which Maven downloads once into the user's cache."""

import asyncio
import contextlib
import fcntl
import re
import shutil
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import platformdirs

from devmesh.errors import MeshError
from devmesh.supervise.process import Child, Command, exit_text

VERSION = "5.0.6"
JAVA = "17"
"""The newest Java that this Cassandra supports."""

INSTALL = "apt-get install openjdk-17-jre-headless maven"
POM = Path(__file__).with_name("conf") / "pom.xml"
LOCK_POLL_SECONDS = 0.2


@dataclass(frozen=True)
class Program:
    """The Java binary and the folder of Cassandra's jars."""

    java: Path
    jars: Path


def ignore_progress(_text: str) -> None:
    """Ignore progress messages."""


async def find_program(env: Mapping[str, str], tell: Callable[[str], None] = ignore_progress) -> Program:
    """Find Java and the jars; download the jars if needed. Raises MeshError that says what to install."""
    return Program(await java_binary(env), await cassandra_jars(env, tell))


async def java_binary(env: Mapping[str, str]) -> Path:
    """Find Java in JAVA_HOME or PATH. Raises MeshError if it is missing or has the wrong version."""
    home = env.get("JAVA_HOME")
    found = f"{home}/bin/java" if home else shutil.which("java", path=env.get("PATH", ""))
    version = await _java_version(found, env) if found else None
    if version is None:
        raise MeshError(f"Cassandra needs Java {JAVA}, which is not installed; install it: {INSTALL}")
    if version != JAVA:
        raise MeshError(
            f"Cassandra needs Java {JAVA}, but {found} has version {version}; install it: {INSTALL}, or set JAVA_HOME"
        )
    return Path(str(found))


async def cassandra_jars(
    env: Mapping[str, str], tell: Callable[[str], None] = ignore_progress, cache: Path | None = None
) -> Path:
    """Return the folder of jars. Downloads 66 MB on first use; concurrent calls are safe.

    Raises MeshError if Maven is missing or fails.
    """
    folder = (cache or Path(platformdirs.user_cache_dir("lensfeed"))) / f"cassandra-{VERSION}"
    if folder.is_dir():
        return folder
    maven = shutil.which("mvn", path=env.get("PATH", ""))
    if maven is None:
        raise MeshError(f"Maven is needed to download Cassandra; install it: {INSTALL}")
    folder.parent.mkdir(parents=True, exist_ok=True)
    async with _locked(folder.with_name(f"{folder.name}.lock")):
        if not folder.is_dir():
            tell(f"downloading Cassandra {VERSION} to {folder} (66 MB, once)")
            await _fetch(maven, folder, env)
            tell(f"downloaded Cassandra {VERSION}")
    return folder


async def _fetch(maven: str, folder: Path, env: Mapping[str, str]) -> None:
    """Download to a temporary folder and rename it when complete."""
    part = folder.with_name(f"{folder.name}.part")
    shutil.rmtree(part, ignore_errors=True)  # left by a killed process
    part.mkdir()
    pom = part / "pom.xml"
    pom.write_text(POM.read_text())
    goal = ("dependency:copy-dependencies", f"-DoutputDirectory={part}", "-DincludeScope=runtime")
    argv = (maven, "-B", "-q", "-f", str(pom), f"-Dcassandra.version={VERSION}", *goal)
    child = await Child.start(Command(argv=argv, env=env, folder=part, log=folder.with_name(f"{folder.name}.log")))
    try:
        code = await child.exited()
    finally:
        await child.stop(grace=1.0)
    if code != 0:
        raise MeshError(f"cannot download Cassandra: mvn {exit_text(code)}\n{child.log_tail()}".rstrip())
    part.rename(folder)


async def _java_version(java: str, env: Mapping[str, str]) -> str | None:
    pipe = asyncio.subprocess.PIPE
    try:
        process = await asyncio.create_subprocess_exec(java, "-version", stdout=pipe, stderr=pipe, env=dict(env))
    except OSError:
        return None
    _, said = await process.communicate()
    found = re.search(rb'version "(?:1\.)?(\d+)', said)
    return found[1].decode() if found else None


@contextlib.asynccontextmanager
async def _locked(path: Path) -> AsyncIterator[None]:
    with path.open("a") as file:
        while True:
            with contextlib.suppress(BlockingIOError):
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            await asyncio.sleep(LOCK_POLL_SECONDS)
        yield
