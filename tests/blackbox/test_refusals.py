"""What callers are told when a call is refused, row by row of the contract's table."""

import pytest
import pytest_asyncio
from google.rpc.code_pb2 import Code

from meshkit.ids import PublicId, new_id
from tests.blackbox.mesh import Reach
from tests.blackbox.people import PASSWORD, Person, newcomer
from tests.blackbox.refusals import HTTP_STATUS, ROWS, Row, Scene
from tests.protocols import Outcome, grpc_call, grpc_web_call, rest_outcome

pytestmark = pytest.mark.mesh

LEAKS = ("traceback", "sqlite", "cassandra", "valkey", "redis", "upstream", "grpc.aio", "127.0.0.1", "/lensfeed", ".py")
MEBIBYTE = 1024 * 1024


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def caller(reach: Reach) -> Person:
    """Give the caller of all these calls."""
    return await newcomer(reach, "caller")


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def scene(reach: Reach, caller: Person, photo: bytes) -> Scene:
    """Set up what the table speaks of."""
    other = await newcomer(reach, "other")
    mine, theirs = await caller.upload(photo), await other.upload(photo)
    rejected = await caller.upload(b"no picture")
    states = [
        (await who.finished(each))["state"] for who, each in ((caller, mine), (other, theirs), (caller, rejected))
    ]
    assert states == ["MEDIA_STATE_READY", "MEDIA_STATE_READY", "MEDIA_STATE_REJECTED"]
    # The media of a deleted post go with it.
    gone = await caller.upload(photo)
    await caller.finished(gone)
    deleted = await caller.post("deleted", [gone])
    await caller.call("DELETE", f"/posts/{deleted}")
    return Scene(
        ann_id=int(caller.user_id),
        ann_handle=caller.handle,
        bob_id=int(other.user_id),
        photo=mine,
        rejected=rejected,
        photo_of_bob=theirs,
        post_of_bob=await other.post("theirs", [theirs]),
        waiting_post_of_bob=await other.post("theirs", [(await other.start_upload(photo))["mediaId"]]),
        deleted_post=deleted,
        awaiting_upload=(await caller.start_upload(photo))["mediaId"],
        nobody=new_id(),
        nothing=str(PublicId(new_id(), int(caller.user_id))),
    )


def hold(outcome: Outcome, row: Row) -> None:
    """Hold what a caller was told to a row of the table."""
    assert (outcome.code, outcome.reason, outcome.domain) == (row.code, row.reason, "lensfeed")
    assert outcome.message
    assert outcome.violations == (((row.field, row.reason),) if row.field else ())


def row_name(row: Row) -> str:
    """Name a row in the list of tests."""
    return f"{row.method}-{row.reason}"


@pytest.mark.parametrize("row", ROWS, ids=row_name)
async def test_rest_refuses_as_the_table_says(scene: Scene, caller: Person, row: Row) -> None:
    """HTTP status, code, message, reason and field, as google.rpc.Status in JSON, which tells nothing of what is behind."""
    method, path, body, query = row.rest_call(row.request(scene))
    response = await caller.reach.http.request(method, path, json=body, params=query, headers=caller.headers)
    assert response.status_code == HTTP_STATUS[row.code], response.text
    assert response.headers["content-type"] == "application/json"
    assert set(response.json()) == {"code", "message", "details"}
    hold(rest_outcome(response), row)
    told = (response.text + str(response.headers)).lower().replace("type.googleapis.com", "")
    assert not [word for word in LEAKS if word in told]


@pytest.mark.parametrize("row", ROWS, ids=row_name)
async def test_grpc_refuses_as_the_table_says(scene: Scene, caller: Person, row: Row) -> None:
    """The same code, message, reason and field as in REST."""
    outcome = await grpc_call(caller.reach, row.path(), row.request(scene), caller.headers)
    hold(outcome, row)
    assert not [word for word in LEAKS if word in outcome.message.lower()]


@pytest.mark.parametrize("row", {row.reason: row for row in ROWS}.values(), ids=row_name)
async def test_grpc_web_refuses_as_the_table_says(scene: Scene, caller: Person, row: Row) -> None:
    """One row for each reason: gRPC-Web carries what gRPC does."""
    hold(await grpc_web_call(caller.reach, row.path(), row.request(scene), caller.headers), row)


@pytest.mark.parametrize("row", {row.method: row for row in ROWS if "Session" not in row.method}.values(), ids=row_name)
async def test_a_token_is_asked_for_first(scene: Scene, caller: Person, row: Row) -> None:
    """Without a token, and with a wrong one, nothing else is told; only signing up needs none."""
    method, path, body, query = row.rest_call(row.request(scene))
    for headers, reason in (({}, "TOKEN_MISSING"), ({"authorization": "Bearer a.b.c"}, "TOKEN_INVALID")):
        response = await caller.reach.http.request(method, path, json=body, params=query, headers=headers)
        is_open = row.method == "UserService.CreateUser"
        assert rest_outcome(response).reason == (row.reason if is_open else reason)
        assert is_open or response.status_code == 401


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
    ],
)
async def test_what_is_no_request_is_malformed(caller: Person, method: str, path: str, content: bytes) -> None:
    """Broken JSON, bad UTF-8, unknown parameters, and values of another type."""
    response = await caller.reach.http.request(method, path, content=content, headers=caller.headers)
    assert response.status_code == 400
    outcome = rest_outcome(response)
    assert (outcome.code, outcome.reason) == (Code.INVALID_ARGUMENT, "BODY_MALFORMED")


@pytest.mark.parametrize(("method", "path"), [("GET", "/nothing"), ("PUT", "/feed"), ("GET", "/sessions")])
async def test_what_is_no_method_is_unknown(caller: Person, method: str, path: str) -> None:
    """An unknown path, and a known one with another method."""
    response = await caller.send(method, path)
    assert response.status_code == 404
    assert rest_outcome(response).reason == "METHOD_UNKNOWN"


async def test_more_than_a_mebibyte_is_too_large(caller: Person) -> None:
    """A body over the limit is 413."""
    response = await caller.send("POST", "/posts", {"caption": "a" * MEBIBYTE})
    outcome = rest_outcome(response)
    assert (response.status_code, outcome.code, outcome.reason) == (413, Code.RESOURCE_EXHAUSTED, "MESSAGE_TOO_LARGE")


async def test_a_call_ends_at_its_callers_deadline(caller: Person) -> None:
    """Checking a password takes longer than the millisecond that is given here: 504."""
    wish = {"handle": caller.handle, "password": PASSWORD}
    response = await caller.reach.http.post("/sessions", json=wish, headers={"grpc-timeout": "1m"})
    assert (response.status_code, response.json()["code"]) == (504, Code.DEADLINE_EXCEEDED)
    assert response.json()["message"]


async def test_every_failed_log_in_is_told_alike(caller: Person) -> None:
    """Nobody learns from it which handles exist."""
    wishes = [
        {"handle": caller.handle, "password": "a wrong one"},
        {"handle": "nobody.at.all", "password": "a wrong one"},
    ]
    answers = [await caller.reach.http.post("/sessions", json=wish) for wish in wishes]
    assert answers[0].status_code == 401
    assert answers[0].text == answers[1].text


async def test_another_size_than_announced_is_refused_by_s3(bob: Person, photo: bytes) -> None:
    """The URL of a part takes the bytes that were asked for, no more and no fewer."""
    [part] = (await bob.start_upload(photo))["parts"]
    for content in (photo + b"\0", photo[:-1]):
        headers = {name: value for name, value in part["headers"].items() if name.lower() != "content-length"}
        response = await bob.reach.http.put(part["url"], content=content, headers=headers)
        assert response.status_code == 403
