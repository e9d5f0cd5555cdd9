"""Finding Java and downloading Cassandra."""

import asyncio
import os
from pathlib import Path

import pytest

from devmesh.errors import MeshError
from devmesh.parts.cassandra.jars import VERSION, cassandra_jars, find_program, java_binary

INSTALL = "apt-get install openjdk-17-jre-headless maven"


def tool(folder: Path, name: str, script: str) -> dict[str, str]:
    """Create a program and return an environment whose PATH has it first."""
    path = folder / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return {"PATH": f"{folder}{os.pathsep}{os.environ['PATH']}"}


def copying(folder: Path) -> dict[str, str]:
    """Create a fake Maven that counts its runs and creates one file instead of 66 MB."""
    copy = 'for word; do case "$word" in -DoutputDirectory=*) touch "${word#*=}/cassandra.jar";; esac; done'
    return tool(folder, "mvn", f'test -f "$4" && echo run >> {folder}/runs && sleep 0.3 && {copy}')


async def test_missing_java_says_how_to_install_it() -> None:
    """The error about missing Java has the command to install it."""
    with pytest.raises(MeshError, match=f"needs Java 17, which is not installed; install it: {INSTALL}"):
        await find_program({"PATH": ""})


async def test_missing_maven_says_how_to_install_it(tmp_path: Path) -> None:
    """The error about missing Maven has the command to install it."""
    with pytest.raises(MeshError, match=f"Maven is needed to download Cassandra; install it: {INSTALL}"):
        await cassandra_jars({"PATH": ""}, cache=tmp_path)


async def test_another_java_version_is_refused(tmp_path: Path) -> None:
    """A wrong Java version is refused by path and version."""
    env = tool(tmp_path, "java", "echo 'openjdk version \"21.0.1\" 2023-10-17' >&2")
    with pytest.raises(MeshError, match=rf"needs Java 17, but {tmp_path}/java has version 21; .* or set JAVA_HOME"):
        await java_binary(env)


async def test_two_meshes_download_once(tmp_path: Path) -> None:
    """Concurrent meshes download once, and later ones do not need Maven."""
    cache, env, told = tmp_path / "cache", copying(tmp_path), list[str]()
    folders = await asyncio.gather(*(cassandra_jars(env, told.append, cache) for _ in range(2)))
    assert folders == [cache / f"cassandra-{VERSION}"] * 2
    assert (folders[0] / "cassandra.jar").exists()
    assert (tmp_path / "runs").read_text() == "run\n"
    assert [text.split()[0] for text in told] == ["downloading", "downloaded"]
    assert await cassandra_jars({"PATH": ""}, cache=cache) == folders[0]


async def test_a_failed_download_reports_why(tmp_path: Path) -> None:
    """A failed download shows Maven's error, and the next attempt starts over."""
    cache = tmp_path / "cache"
    with pytest.raises(MeshError, match=r"cannot download Cassandra: mvn exited with code 1\nno network"):
        await cassandra_jars(tool(tmp_path, "mvn", "echo no network; exit 1"), cache=cache)
    folder = await cassandra_jars(copying(tmp_path), cache=cache)
    assert (folder / "cassandra.jar").exists()
