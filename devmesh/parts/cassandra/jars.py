"""The program itself: Cassandra's jars, fetched once by Maven into the user's cache, and the Java that runs them."""

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
"""The newest that this Cassandra supports."""

INSTALL = "apt-get install openjdk-17-jre-headless maven"
POM = Path(__file__).with_name("conf") / "pom.xml"
LOCK_POLL_SECONDS = 0.2


@dataclass(frozen=True)
class Program:
    """What runs Cassandra: a Java and the folder of its jars."""

    java: Path
    jars: Path


def say_nothing(_text: str) -> None:
    """Keep progress to oneself."""


async def find_program(env: Mapping[str, str], tell: Callable[[str], None] = say_nothing) -> Program:
    """Find Java and the jars, or fetch these. Raises MeshError with what to install where something is missing."""
    return Program(await java_binary(env), await cassandra_jars(env, tell))


async def java_binary(env: Mapping[str, str]) -> Path:
    """Find the Java of JAVA_HOME, or else of PATH. Raises MeshError where it is not the one that Cassandra needs."""
    home = env.get("JAVA_HOME")
    found = f"{home}/bin/java" if home else shutil.which("java", path=env.get("PATH", ""))
    version = await _java_version(found, env) if found else None
    if version is None:
        raise MeshError(f"Cassandra needs Java {JAVA}, and there is none; install it: {INSTALL}")
    if version != JAVA:
        raise MeshError(
            f"Cassandra needs Java {JAVA}, and {found} is version {version}; install it: {INSTALL}, or set JAVA_HOME"
        )
    return Path(str(found))


async def cassandra_jars(
    env: Mapping[str, str], tell: Callable[[str], None] = say_nothing, cache: Path | None = None
) -> Path:
    """Find the folder of jars, or fetch them: 66 MB, once for all meshes of this user. Safe for two at a time.

    Raises MeshError where there is no Maven, or it fails.
    """
    folder = (cache or Path(platformdirs.user_cache_dir("lensfeed"))) / f"cassandra-{VERSION}"
    if folder.is_dir():
        return folder
    maven = shutil.which("mvn", path=env.get("PATH", ""))
    if maven is None:
        raise MeshError(f"Cassandra is fetched by Maven, and there is none; install it: {INSTALL}")
    folder.parent.mkdir(parents=True, exist_ok=True)
    async with _locked(folder.with_name(f"{folder.name}.lock")):
        if not folder.is_dir():
            tell(f"fetching Cassandra {VERSION} into {folder} (66 MB, once)")
            await _fetch(maven, folder, env)
            tell(f"fetched Cassandra {VERSION}")
    return folder


async def _fetch(maven: str, folder: Path, env: Mapping[str, str]) -> None:
    """Copy into a folder beside the one wanted, which appears when it is complete."""
    part = folder.with_name(f"{folder.name}.part")
    shutil.rmtree(part, ignore_errors=True)  # of one that was killed
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
        raise MeshError(f"Cassandra could not be fetched: mvn {exit_text(code)}\n{child.log_tail()}".rstrip())
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
