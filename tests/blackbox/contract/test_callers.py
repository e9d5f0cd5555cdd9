"""Every public method, called by whoever is not, or no longer, logged in.

Other users are in `tests/sight` and `tests/mesh_tls/test_others_objects.py`, parts of the mesh in `tests/mesh_tls/test_peers.py`.
"""

import dataclasses
from collections.abc import Callable

import pytest
import pytest_asyncio
from google.rpc.code_pb2 import Code

from meshkit.revocations import LOG_OUT
from tests.blackbox.contract.cases import WAYS, Good, called
from tests.blackbox.contract.good_cases import GOOD
from tests.blackbox.contract.scene import Scene
from tests.blackbox.mesh import Reach
from tests.blackbox.people import PASSWORD, Person, eventually, logged_in
from tests.protocols import Headers
from tests.rpcs import PUBLIC

pytestmark = pytest.mark.mesh

PROTECTED = frozenset(rpc.path for rpc in PUBLIC if not rpc.is_open)
CASES = tuple(case for case in GOOD if case.call.path() in PROTECTED)
FEED = next(case for case in CASES if case.call.rest == "GET /feed")


def by(case: Good, headers: Headers) -> Good:
    """Return the same call by somebody else."""
    return dataclasses.replace(case, headers=lambda _, __: headers)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def ended(reach: Reach, scene: Scene) -> Person:
    """Give a session of the scene's caller that has ended, and that every service knows of."""
    session = await logged_in(reach, scene.ann.handle, PASSWORD)
    await session.call("DELETE", "/sessions/current")
    ways_in = {case.call.path().split("/")[1]: case for case in CASES if case.call.path() != LOG_OUT}
    for case in ways_in.values():

        async def reason(case: Good = case) -> str:
            return (await called(reach, by(case, session.headers), scene, "gRPC"))[0].reason

        await eventually(reason, lambda found: found == "TOKEN_INVALID")
    return session


@pytest.mark.parametrize("caller", ["nobody", "an ended session"])
async def test_a_call_of_the_owner_is_refused_without_a_session(
    reach: Reach, scene: Scene, ended: Person, caller: str, tell: Callable[[str], None]
) -> None:
    """What the owner may do in each protocol, nobody else may do with the same request, nor the owner after a log-out."""
    headers, reason = ({}, "TOKEN_MISSING") if caller == "nobody" else (ended.headers, "TOKEN_INVALID")
    refused: set[str] = set()
    calls = 0
    for case in CASES:
        if caller != "nobody" and case.call.path() == LOG_OUT:
            continue
        for way in WAYS:
            outcome, _ = await called(reach, by(case, headers), scene, way)
            assert (outcome.code, outcome.reason) == (Code.UNAUTHENTICATED, reason), (case, way)
            calls += 1
        refused.add(case.call.path())
    assert refused == PROTECTED - (set() if caller == "nobody" else {LOG_OUT})
    tell(f"callers, {caller}: {calls} calls of {len(refused)} methods, 0 unauthorised answers")


async def test_a_log_out_may_be_repeated_and_ends_nothing_else(reach: Reach, scene: Scene, ended: Person) -> None:
    """The one method that an ended session may call answers as before, and the owner's other sessions go on."""
    (case,) = (each for each in CASES if each.call.path() == LOG_OUT)
    for way in WAYS:
        assert (await called(reach, by(case, ended.headers), scene, way))[0].code == Code.OK, way
        assert (await called(reach, FEED, scene, way))[0].code == Code.OK, way
