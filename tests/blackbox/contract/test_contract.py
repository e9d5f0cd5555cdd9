"""Every call of the contract, successful and refused, behaves the same in all three protocols."""

from collections.abc import Callable
from operator import attrgetter

import httpx
import pytest

from tests.blackbox.contract.cases import WAYS, Good, Refused, answer_of, called, same_error, without
from tests.blackbox.contract.good_cases import GOOD
from tests.blackbox.contract.refusals import HTTP_STATUS, REFUSALS
from tests.blackbox.contract.scene import Scene
from tests.blackbox.mesh import Reach
from tests.rpcs import PUBLIC

pytestmark = pytest.mark.mesh

LEAKS = ("traceback", "sqlite", "cassandra", "valkey", "redis", "upstream", "grpc.aio", "127.0.0.1", "/lensfeed", ".py")


def test_every_public_method_has_a_good_case() -> None:
    """The contracts' list of methods ensures that no new method is forgotten."""
    assert {case.call.path() for case in GOOD} == {rpc.path for rpc in PUBLIC}


@pytest.mark.parametrize("case", GOOD, ids=str)
async def test_a_good_call_has_the_same_answer(
    reach: Reach, scene: Scene, case: Good, record_property: Callable[[str, object], None]
) -> None:
    """REST's JSON and the messages of gRPC and gRPC-Web are equal except for fresh fields."""
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
async def test_a_refused_call_has_the_same_error(
    reach: Reach, scene: Scene, case: Refused, record_property: Callable[[str, object], None]
) -> None:
    """All protocols return the table's code, reason, field and message, and no internal details."""
    outcomes = []
    for way in WAYS:
        outcome, response = await called(reach, case, scene, way)
        record_property("way", way)
        assert (outcome.code, outcome.reason, outcome.domain) == (case.code, case.reason, "lensfeed"), way
        assert outcome.violations == (((case.field, case.reason),) if case.field else ()), way
        assert outcome.message
        assert not [word for word in LEAKS if word in outcome.message.lower()]
        if response is not None:
            check_rest_error(response, case)
        outcomes.append(outcome)
    assert all(same_error(outcome, outcomes[0]) for outcome in outcomes), outcomes


def check_rest_error(response: httpx.Response, case: Refused) -> None:
    """Check that an error is google.rpc.Status in JSON with the HTTP status of its code."""
    assert response.status_code == (case.http_status or HTTP_STATUS[case.code]), response.text
    assert response.headers["content-type"] == "application/json"
    assert set(response.json()) == {"code", "message", "details"}
    text = (response.text + str(response.headers)).lower().replace("type.googleapis.com", "")
    assert not [word for word in LEAKS if word in text]
