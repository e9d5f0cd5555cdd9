"""Finding Java, and fetching Cassandra once."""

import asyncio
import os
from pathlib import Path

import pytest

from devmesh.errors import MeshError
from devmesh.parts.cassandra.jars import VERSION, cassandra_jars, find_program, java_binary

INSTALL = "install it: apt-get install openjdk-17-jre-headless maven"


def tool(folder: Path, name: str, script: str) -> dict[str, str]:
    """Make a program of this name; the environment in which it is found before the real one."""
    path = folder / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return {"PATH": f"{folder}{os.pathsep}{os.environ['PATH']}"}


def copying(folder: Path) -> dict[str, str]:
    """Stand in for Maven, which would copy 66 MB: it counts its runs and copies one file, with the real arguments."""
    copy = 'for word; do case "$word" in -DoutputDirectory=*) touch "${word#*=}/cassandra.jar";; esac; done'
    return tool(folder, "mvn", f'test -f "$4" && echo run >> {folder}/runs && sleep 0.3 && {copy}')


async def test_without_java_one_is_told_how_to_install_it() -> None:
    """In a sentence, with the command."""
    with pytest.raises(MeshError, match=f"needs Java 17, and there is none; {INSTALL}"):
        await find_program({"PATH": ""})


async def test_without_maven_one_is_told_how_to_install_it(tmp_path: Path) -> None:
    """Where Cassandra is not there yet."""
    with pytest.raises(MeshError, match=f"fetched by Maven, and there is none; {INSTALL}"):
        await cassandra_jars({"PATH": ""}, cache=tmp_path)


async def test_another_java_is_refused_by_name(tmp_path: Path) -> None:
    """Cassandra would end with a stack trace on it."""
    env = tool(tmp_path, "java", "echo 'openjdk version \"21.0.1\" 2023-10-17' >&2")
    with pytest.raises(MeshError, match=rf"needs Java 17, and {tmp_path}/java is version 21; .* or set JAVA_HOME"):
        await java_binary(env)


async def test_two_meshes_fetch_it_once(tmp_path: Path) -> None:
    """The second waits for the first, and a later one finds it there without Maven."""
    cache, env, told = tmp_path / "cache", copying(tmp_path), list[str]()
    folders = await asyncio.gather(*(cassandra_jars(env, told.append, cache) for _ in range(2)))
    assert folders == [cache / f"cassandra-{VERSION}"] * 2
    assert (folders[0] / "cassandra.jar").exists()
    assert (tmp_path / "runs").read_text() == "run\n"
    assert [text.split()[0] for text in told] == ["fetching", "fetched"]
    assert await cassandra_jars({"PATH": ""}, cache=cache) == folders[0]


async def test_a_failed_fetch_tells_why_and_is_not_taken_for_a_success(tmp_path: Path) -> None:
    """The next try starts anew."""
    cache = tmp_path / "cache"
    with pytest.raises(MeshError, match=r"could not be fetched: mvn exited with code 1\nno network"):
        await cassandra_jars(tool(tmp_path, "mvn", "echo no network; exit 1"), cache=cache)
    folder = await cassandra_jars(copying(tmp_path), cache=cache)
    assert (folder / "cassandra.jar").exists()
