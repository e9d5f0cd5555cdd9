"""Contracts of releases are frozen, and later ones stay compatible."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from google.protobuf.descriptor_pb2 import FileDescriptorSet

ROOT = Path(__file__).parent.parent
USED = ("protos/release.py", "protos/breaking.sh", "protos/released", "build/public.binpb", "buf.yaml", "setup.cfg")


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """Give a copy of what freezes and compares contracts, in no git repository."""
    for name in USED:
        source, target = ROOT / name, tmp_path / name
        target.parent.mkdir(exist_ok=True)
        (shutil.copytree if source.is_dir() else shutil.copy)(source, target)
    return tmp_path


def set_version(copy: Path, version: str) -> None:
    """Go on to another version."""
    setup = copy / "setup.cfg"
    lines = setup.read_text().splitlines()
    setup.write_text("\n".join(f"version = {version}" if line.startswith("version = ") else line for line in lines))


def without_a_field(contracts: Path) -> None:
    """Take the caption out of posts."""
    files = FileDescriptorSet.FromString(contracts.read_bytes())
    [post] = [each for file in files.file for each in file.message_type if each.name == "Post"]
    [caption] = [field for field in post.field if field.name == "caption"]
    post.field.remove(caption)
    contracts.write_bytes(files.SerializeToString())


def run(*command: str | Path) -> subprocess.CompletedProcess[str]:
    """Run a program to its end."""
    return subprocess.run(command, capture_output=True, text=True, check=False)


def freeze(copy: Path) -> subprocess.CompletedProcess[str]:
    """Freeze the contracts of the copy."""
    return run(sys.executable, copy / "protos" / "release.py")


def compare(copy: Path) -> subprocess.CompletedProcess[str]:
    """Compare the contracts of the copy with those of all releases."""
    return run("sh", copy / "protos" / "breaking.sh", Path(sys.executable).parent)


def test_contracts_are_frozen_under_the_current_version(copy: Path) -> None:
    """A new version gets the current contracts; freezing it again changes nothing."""
    set_version(copy, "7.8.9")
    for _ in range(2):
        done = freeze(copy)
        assert (done.returncode, done.stdout) == (0, "frozen as protos/released/7.8.9.binpb\n"), done.stderr
    frozen = copy / "protos" / "released" / "7.8.9.binpb"
    assert frozen.read_bytes() == (copy / "build" / "public.binpb").read_bytes()


def test_a_release_is_never_changed(copy: Path) -> None:
    """Other contracts cannot replace those of a release."""
    set_version(copy, "7.8.9")
    assert freeze(copy).returncode == 0
    without_a_field(copy / "build" / "public.binpb")
    done = freeze(copy)
    assert (done.returncode, done.stdout) == (1, "")
    assert "7.8.9 has been released with other contracts" in done.stderr


def test_compatible_contracts_pass(copy: Path) -> None:
    """The current contracts are compatible with each release, also without git."""
    releases = [path.stem for path in (copy / "protos" / "released").glob("*.binpb")]
    done = compare(copy)
    assert done.returncode == 0, done.stderr
    assert releases
    assert all(f"no breaking change since release {each}\n" in done.stdout for each in releases)


def test_incompatible_contracts_are_refused(copy: Path) -> None:
    """If a released field is missing, the comparison fails and names field and release."""
    without_a_field(copy / "build" / "public.binpb")
    done = compare(copy)
    assert done.returncode == 1
    assert "changes break apps built with release 0.1.0" in done.stderr
    assert "caption" in done.stdout
