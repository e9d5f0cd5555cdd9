"""Every call of the contract, good and refused, in each of the three ways into a mesh: one behaviour."""

import asyncio
from collections.abc import Callable
from operator import attrgetter

import httpx
import pytest
import pytest_asyncio

from tests.blackbox.contract.aged import let_expire, let_follow_as_many_as_may_be
from tests.blackbox.contract.cases import WAYS, Good, Refused, answer_of, called, told_alike, without
from tests.blackbox.contract.good_cases import GOOD, SESSIONS
from tests.blackbox.contract.refusals import HTTP_STATUS, REFUSALS
from tests.blackbox.contract.scene import Scene, set_up
from tests.blackbox.mesh import Mesh, Reach
from tests.rpcs import PUBLIC

pytestmark = pytest.mark.mesh

LEAKS = ("traceback", "sqlite", "cassandra", "valkey", "redis", "upstream", "grpc.aio", "127.0.0.1", "/lensfeed", ".py")


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def scene(mesh: Mesh, reach: Reach, photo: bytes) -> Scene:
    """Set up what the cases speak of."""
    scene = await set_up(reach, photo, SESSIONS)
    await asyncio.to_thread(let_expire, mesh, scene.expired_upload)
    await asyncio.to_thread(let_follow_as_many_as_may_be, mesh, int(scene.follows_very_many.user_id))
    return scene


def test_every_public_method_has_a_good_case() -> None:
    """A new method is not left out: the list of methods is that of the contracts."""
    assert {case.call.path() for case in GOOD} == {rpc.path for rpc in PUBLIC}


@pytest.mark.parametrize("case", GOOD, ids=str)
async def test_a_good_call_is_answered_alike(
    reach: Reach, scene: Scene, case: Good, record_property: Callable[[str, object], None]
) -> None:
    """REST's JSON, gRPC's message and gRPC-Web's are one and the same, but for what is new in each call."""
    answers = []
    for way in WAYS:
        outcome, response = await called(reach, case, scene, way)
        assert not outcome.code, (way, outcome)
        record_property("way", way)
        if response is not None and case.redirect:
            redirect = response.headers["location"]
        else:
            answer = answer_of(case, outcome, response)
            assert case.tells(scene, answer), (way, answer)
            answers.append(answer)
    if case.redirect:
        assert {attrgetter(case.redirect)(answer) for answer in answers} == {redirect}
    first, *others = (without(answer, case.fresh) for answer in answers)
    assert others
    for other in others:
        assert other == first


@pytest.mark.parametrize("case", REFUSALS, ids=str)
async def test_a_refused_call_is_told_alike(
    reach: Reach, scene: Scene, case: Refused, record_property: Callable[[str, object], None]
) -> None:
    """The code, reason and field of the table, in the same words in every way, which tell nothing of what is behind."""
    outcomes = []
    for way in WAYS:
        outcome, response = await called(reach, case, scene, way)
        record_property("way", way)
        assert (outcome.code, outcome.reason, outcome.domain) == (case.code, case.reason, "lensfeed"), way
        assert outcome.violations == (((case.field, case.reason),) if case.field else ()), way
        assert outcome.message
        assert not [word for word in LEAKS if word in outcome.message.lower()]
        if response is not None:
            hold_to_rest(response, case)
        outcomes.append(outcome)
    assert all(told_alike(outcome, outcomes[0]) for outcome in outcomes), outcomes


def hold_to_rest(response: httpx.Response, case: Refused) -> None:
    """Hold a refusal to google.rpc.Status in JSON, with the HTTP status of its code."""
    assert response.status_code == (case.http_status or HTTP_STATUS[case.code]), response.text
    assert response.headers["content-type"] == "application/json"
    assert set(response.json()) == {"code", "message", "details"}
    told = (response.text + str(response.headers)).lower().replace("type.googleapis.com", "")
    assert not [word for word in LEAKS if word in told]
