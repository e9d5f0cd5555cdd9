"""What callers are told whose request is none, or comes too late."""

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
async def test_what_is_no_request_is_malformed(ann: Person, method: str, path: str, content: bytes) -> None:
    """Broken JSON, bad UTF-8, unknown parameters, and values of another type."""
    response = await ann.reach.http.request(method, path, content=content, headers=ann.headers)
    assert response.status_code == 400
    outcome = rest_outcome(response)
    assert (outcome.code, outcome.reason) == (Code.INVALID_ARGUMENT, "BODY_MALFORMED")


async def test_a_call_ends_at_its_callers_deadline(ann: Person) -> None:
    """Checking a password takes longer than the millisecond that is given here: 504."""
    wish = {"handle": ann.handle, "password": PASSWORD}
    response = await ann.reach.http.post("/sessions", json=wish, headers={"grpc-timeout": "1m"})
    assert (response.status_code, response.json()["code"]) == (504, Code.DEADLINE_EXCEEDED)
    assert response.json()["message"]


async def test_every_failed_log_in_is_told_alike(ann: Person) -> None:
    """Nobody learns from it which handles exist."""
    wishes = [
        {"handle": ann.handle, "password": "a wrong one"},
        {"handle": "nobody.at.all", "password": "a wrong one"},
    ]
    answers = [await ann.reach.http.post("/sessions", json=wish) for wish in wishes]
    assert answers[0].status_code == 401
    assert answers[0].text == answers[1].text


async def test_another_size_than_announced_is_refused_by_s3(bob: Person, photo: bytes) -> None:
    """The URL of a part takes the bytes that were asked for, no more and no fewer."""
    [part] = (await bob.start_upload(photo))["parts"]
    for content in (photo + b"\0", photo[:-1]):
        headers = {name: value for name, value in part["headers"].items() if name.lower() != "content-length"}
        response = await bob.reach.http.put(part["url"], content=content, headers=headers)
        assert response.status_code == 403
