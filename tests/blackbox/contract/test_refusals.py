"""Errors for malformed requests and missed deadlines."""

import pytest
from google.rpc.code_pb2 import Code

from tests.blackbox.people import PASSWORD, Person
from tests.protocols import rest_outcome

pytestmark = pytest.mark.mesh


@pytest.mark.parametrize(
    ("method", "path", "content"),
    [
        ("POST", "/posts", b'{"caption":'),
        ("POST", "/posts", b'{"caption":"\xff"}'),
        ("POST", "/posts", b'{"caption":5}'),
        ("POST", "/posts", b"[]"),
        ("POST", "/follows", b'{"followeeId":"ann"}'),
        ("GET", "/feed?unknown=1", b""),
        ("GET", "/feed?limit=ten", b""),
        ("GET", "/users/ann", b""),
        ("GET", "/feed?cursor=%ff%fe", b""),
        ("GET", "/users/by-handle/%ff", b""),
        ("GET", "/users/by-handle/%00", b""),
    ],
)
async def test_malformed_requests_are_refused(ann: Person, method: str, path: str, content: bytes) -> None:
    """Broken JSON, bad UTF-8, unknown parameters and values of the wrong type are BODY_MALFORMED."""
    response = await ann.reach.http.request(method, path, content=content, headers=ann.headers)
    assert response.status_code == 400
    outcome = rest_outcome(response)
    assert (outcome.code, outcome.reason) == (Code.INVALID_ARGUMENT, "BODY_MALFORMED")


async def test_a_call_ends_at_the_callers_deadline(ann: Person) -> None:
    """Checking a password takes longer than the given millisecond, so the answer is 504."""
    login = {"handle": ann.handle, "password": PASSWORD}
    response = await ann.reach.http.post("/sessions", json=login, headers={"grpc-timeout": "1m"})
    assert (response.status_code, response.json()["code"]) == (504, Code.DEADLINE_EXCEEDED)
    assert response.json()["message"]


async def test_every_failed_login_has_the_same_answer(ann: Person) -> None:
    """The answer does not reveal which handles exist."""
    logins = [
        {"handle": ann.handle, "password": "a wrong one"},
        {"handle": "nobody.at.all", "password": "a wrong one"},
    ]
    answers = [await ann.reach.http.post("/sessions", json=login) for login in logins]
    assert answers[0].status_code == 401
    assert answers[0].text == answers[1].text


async def test_s3_refuses_another_size_than_announced(bob: Person, photo: bytes) -> None:
    """A part's URL accepts exactly the announced number of bytes."""
    [part] = (await bob.start_upload(photo))["parts"]
    for content in (photo + b"\0", photo[:-1]):
        headers = {name: value for name, value in part["headers"].items() if name.lower() != "content-length"}
        response = await bob.reach.http.put(part["url"], content=content, headers=headers)
        assert response.status_code == 403
