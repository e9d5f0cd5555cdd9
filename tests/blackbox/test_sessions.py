"""Sessions and repeated posts, as an app on a bad connection uses them."""

import asyncio

import pytest

from tests.blackbox.mesh import Reach
from tests.blackbox.people import PASSWORD, Json, Person, eventually, logged_in
from tests.protocols import rest_outcome

pytestmark = pytest.mark.mesh


async def refreshed(reach: Reach, token: str) -> Json | str:
    """Trade a refresh token: the session, or the reason of a refusal."""
    response = await reach.http.post("/sessions/refresh", json={"refreshToken": token})
    if response.is_success:
        session: Json = response.json()
        return session
    assert response.status_code == 401
    return rest_outcome(response).reason


async def test_refreshing_gives_new_tokens(reach: Reach, ann: Person) -> None:
    """Both are new, both work, and they are the same person's."""
    session = await refreshed(reach, ann.refresh_token)
    assert isinstance(session, dict)
    assert session["user"]["userId"] == ann.user_id
    assert session["refreshToken"] != ann.refresh_token
    response = await reach.http.get("/feed", headers={"authorization": f"Bearer {session['accessToken']}"})
    assert response.status_code == 200
    assert isinstance(await refreshed(reach, session["refreshToken"]), dict)


async def test_a_refresh_token_that_is_used_again_ends_its_session(reach: Reach, ann: Person) -> None:
    """Somebody has stolen it: neither it nor its successor works from then on."""
    session = await refreshed(reach, ann.refresh_token)
    assert isinstance(session, dict)
    assert await refreshed(reach, ann.refresh_token) == "TOKEN_INVALID"
    assert await refreshed(reach, session["refreshToken"]) == "TOKEN_INVALID"


async def test_other_sessions_go_on(reach: Reach, ann: Person) -> None:
    """Each device has its own: the end of one is not felt on another."""
    other = await logged_in(reach, ann.handle)
    assert await ann.call("DELETE", "/sessions/current") == {}
    assert await refreshed(reach, ann.refresh_token) == "TOKEN_INVALID"
    assert isinstance(await refreshed(reach, other.refresh_token), dict)


async def test_after_a_log_out_no_service_takes_the_access_token(ann: Person) -> None:
    """It has minutes to go, and the edge takes it; every service has heard within seconds that its session has ended."""
    await ann.call("DELETE", "/sessions/current")
    calls = (
        ("PATCH", "/users/me", {"displayName": "Ann"}),
        ("POST", "/follows", {"followeeId": "1"}),
        ("POST", "/posts", {"caption": "too late", "mediaIds": ["x"]}),
        ("POST", "/media", {"contentType": "image/jpeg", "sizeBytes": "5"}),
        ("GET", "/feed", None),
    )
    for method, path, body in calls:

        async def reason(method: str = method, path: str = path, body: Json | None = body) -> str:
            return rest_outcome(await ann.send(method, path, body)).reason

        await eventually(reason, lambda found: found == "TOKEN_INVALID")


async def test_logging_out_is_repeatable(ann: Person) -> None:
    """A second time says the same."""
    for _ in range(2):
        assert await ann.call("DELETE", "/sessions/current") == {}


async def test_one_of_many_wins_a_handle(reach: Reach) -> None:
    """Of those who sign up for one handle at once, one gets it and the others are told that it is taken."""
    wish = {"handle": "wanted.by.all", "password": PASSWORD}
    responses = await asyncio.gather(*(reach.http.post("/users", json=wish) for _ in range(5)))
    assert sorted(response.status_code for response in responses) == [200, 409, 409, 409, 409]


async def test_a_key_makes_one_post(bob: Person, photo_of_bob: str) -> None:
    """A post that is sent again with its key is the same post, also when both are sent at once."""
    body = {"caption": "once", "mediaIds": [photo_of_bob]}
    calls = (bob.call("POST", "/posts", body, idempotency_key="key-1") for _ in range(4))
    answers = [*await asyncio.gather(*calls), await bob.call("POST", "/posts", body, idempotency_key="key-1")]
    assert len({answer["postId"] for answer in answers}) == 1
    assert len((await bob.call("GET", f"/users/{bob.user_id}/posts"))["posts"]) == 1
    other = await bob.call("POST", "/posts", body, idempotency_key="key-2")
    assert other["postId"] != answers[0]["postId"]


async def test_a_key_stands_for_one_body(bob: Person, photo_of_bob: str) -> None:
    """Another post with the same key is refused, and does not appear."""
    body = {"caption": "first", "mediaIds": [photo_of_bob]}
    await bob.call("POST", "/posts", body, idempotency_key="key")
    response = await bob.send("POST", "/posts", {**body, "caption": "second"}, idempotency_key="key")
    assert (response.status_code, rest_outcome(response).reason) == (409, "IDEMPOTENCY_MISMATCH")
    posts = (await bob.call("GET", f"/users/{bob.user_id}/posts"))["posts"]
    assert [post["caption"] for post in posts] == ["first"]


async def test_a_key_is_its_authors_own(ann: Person, bob: Person, photo: bytes, photo_of_bob: str) -> None:
    """Two authors may hit upon the same key."""
    photo_of_ann = await ann.upload(photo)
    for author, media_id in ((ann, photo_of_ann), (bob, photo_of_bob)):
        body = {"caption": author.handle, "mediaIds": [media_id]}
        answer = await author.call("POST", "/posts", body, idempotency_key="the same")
        assert answer["post"]["caption"] == author.handle


async def test_an_unusable_key_is_refused(bob: Person, photo_of_bob: str) -> None:
    """Too long to be a key."""
    body = {"caption": "", "mediaIds": [photo_of_bob]}
    response = await bob.send("POST", "/posts", body, idempotency_key="k" * 256)
    assert (response.status_code, rest_outcome(response).reason) == (400, "IDEMPOTENCY_KEY_INVALID")
