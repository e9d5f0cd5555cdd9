"""One mesh for all tests here, and people on it."""

from collections import Counter
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.blackbox.mesh import Mesh, Reach, reached
from tests.blackbox.people import Person, newcomer
from tests.media_svc.pictures import encoded, quarters
from tests.store_kinds import STORE_KINDS


@pytest.fixture(scope="package", params=STORE_KINDS)
def store_kind(request: pytest.FixtureRequest) -> str:
    """Give each store in turn."""
    return str(request.param)


@pytest.fixture(scope="package")
def mesh(store_kind: str, request: pytest.FixtureRequest) -> Mesh:
    """Give a running mesh, which many tests share: make people of your own."""
    mesh: Mesh = request.getfixturevalue(f"{store_kind}_mesh")
    return mesh


@pytest_asyncio.fixture(scope="package", loop_scope="session")
async def reach(mesh: Mesh) -> AsyncIterator[Reach]:
    """Give ways to its edge."""
    async with reached(mesh) as reach:
        yield reach


@pytest.fixture(scope="package")
def photo() -> bytes:
    """Give a small JPEG."""
    return encoded(quarters(), "image/jpeg")


@pytest_asyncio.fixture
async def ann(reach: Reach) -> Person:
    """Give somebody new."""
    return await newcomer(reach, "ann")


@pytest_asyncio.fixture
async def bob(reach: Reach) -> Person:
    """Give somebody else who is new."""
    return await newcomer(reach, "bob")


@pytest_asyncio.fixture
async def photo_of_bob(bob: Person, photo: bytes) -> str:
    """Give the id of a photo of Bob's that is READY: it may stand in any number of posts."""
    media_id = await bob.upload(photo)
    assert (await bob.finished(media_id))["state"] == "MEDIA_STATE_READY"
    return media_id


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print how many calls of the contract were made, in how many ways, and how many of them differed."""
    reports = [
        report
        for outcome in ("passed", "failed")
        for report in terminalreporter.stats.get(outcome, ())
        if "test_contract.py::" in report.nodeid and report.when == "call"
    ]
    ways = Counter(way for report in reports for name, way in report.user_properties if name == "way")
    if ways:
        cases, differing = sum(1 for each in reports if each.user_properties), sum(each.failed for each in reports)
        told = ", ".join(f"{count} by {way}" for way, count in ways.items())
        terminalreporter.section("the contract in three ways", sep="-")
        terminalreporter.line(f"{cases} cases, {sum(ways.values())} calls ({told}): {differing} differences")
