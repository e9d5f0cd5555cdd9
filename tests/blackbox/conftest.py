"""One mesh for all tests of this folder, and users for it."""

from collections import Counter
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.blackbox.mesh import Mesh, Reach, reached
from tests.blackbox.people import Person, new_user
from tests.media_svc.pictures import encoded, quarters
from tests.store_kinds import STORE_KINDS


@pytest.fixture(scope="package", params=STORE_KINDS)
def store_kind(request: pytest.FixtureRequest) -> str:
    """Each store in turn."""
    return str(request.param)


@pytest.fixture(scope="package")
def mesh(store_kind: str, request: pytest.FixtureRequest) -> Mesh:
    """Return a running mesh shared with other tests, so each test creates its own users."""
    mesh: Mesh = request.getfixturevalue(f"{store_kind}_mesh")
    return mesh


@pytest_asyncio.fixture(scope="package", loop_scope="session")
async def reach(mesh: Mesh) -> AsyncIterator[Reach]:
    """Yield connections to the mesh's edge."""
    async with reached(mesh) as reach:
        yield reach


@pytest.fixture(scope="package")
def photo() -> bytes:
    """Return a small JPEG."""
    return encoded(quarters(), "image/jpeg")


@pytest_asyncio.fixture
async def ann(reach: Reach) -> Person:
    """Return a new user."""
    return await new_user(reach, "ann")


@pytest_asyncio.fixture
async def bob(reach: Reach) -> Person:
    """Another new user."""
    return await new_user(reach, "bob")


@pytest_asyncio.fixture
async def photo_of_bob(bob: Person, photo: bytes) -> str:
    """Return the id of a READY photo of Bob's, which may be in any number of posts."""
    media_id = await bob.upload(photo)
    assert (await bob.finished(media_id))["state"] == "MEDIA_STATE_READY"
    return media_id


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print how many calls of the contract were made by each protocol, and how many differed."""
    reports = [
        report
        for outcome in ("passed", "failed")
        for report in terminalreporter.stats.get(outcome, ())
        if "test_contract.py::" in report.nodeid and report.when == "call"
    ]
    ways = Counter(way for report in reports for name, way in report.user_properties if name == "way")
    if ways:
        cases, differing = sum(1 for each in reports if each.user_properties), sum(each.failed for each in reports)
        counts = ", ".join(f"{count} by {way}" for way, count in ways.items())
        terminalreporter.section("the contract in three protocols", sep="-")
        terminalreporter.line(f"{cases} cases, {sum(ways.values())} calls ({counts}): {differing} differences")
