"""Sessions and idempotency keys, as an app on a bad connection uses them."""

import asyncio
import secrets

import pytest

from tests.blackbox.mesh import Reach
from tests.blackbox.people import PASSWORD, Json, Person, eventually, logged_in
from tests.protocols import rest_outcome

pytestmark = pytest.mark.mesh


async def refresh(reach: Reach, token: str) -> Json | str:
    """Refresh a session and return it, or the reason of the refusal."""
    response = await reach.http.post("/sessions/refresh", json={"refreshToken": token})
    if response.is_success:
        session: Json = response.json()
        return session
    assert response.status_code == 401
    return rest_outcome(response).reason


async def test_refreshing_gives_new_tokens(reach: Reach, ann: Person) -> None:
    """Both new tokens differ, work, and belong to the same user."""
    session = await refresh(reach, ann.refresh_token)
    assert isinstance(session, dict)
    assert session["user"]["userId"] == ann.user_id
    assert session["refreshToken"] != ann.refresh_token
    response = await reach.http.get("/feed", headers={"authorization": f"Bearer {session['accessToken']}"})
    assert response.status_code == 200
    assert isinstance(await refresh(reach, session["refreshToken"]), dict)


async def test_a_repeated_refresh_has_the_same_answer(reach: Reach, ann: Person) -> None:
    """A refresh token that is sent again at once gets the same tokens, as its answer may have been lost."""
    first = await refresh(reach, ann.refresh_token)
    assert isinstance(first, dict)
    assert await refresh(reach, ann.refresh_token) == first
    assert isinstance(await refresh(reach, first["refreshToken"]), dict)


async def test_reusing_a_refresh_token_ends_the_session(reach: Reach, ann: Person) -> None:
    """A token that is reused after its successor was probably stolen, so it and all later ones stop working."""
    session = await refresh(reach, ann.refresh_token)
    assert isinstance(session, dict)
    newest = await refresh(reach, session["refreshToken"])
    assert isinstance(newest, dict)
    assert await refresh(reach, ann.refresh_token) == "TOKEN_INVALID"
    assert await refresh(reach, newest["refreshToken"]) == "TOKEN_INVALID"


async def test_other_sessions_continue(reach: Reach, ann: Person) -> None:
    """Logging out on one device does not end the session on another."""
    other = await logged_in(reach, ann.handle)
    assert await ann.call("DELETE", "/sessions/current") == {}
    assert await refresh(reach, ann.refresh_token) == "TOKEN_INVALID"
    assert isinstance(await refresh(reach, other.refresh_token), dict)


async def test_after_logout_services_refuse_the_access_token(ann: Person) -> None:
    """Within seconds of a logout every service refuses the unexpired access token, which the edge still accepts."""
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
    """Logging out again returns the same answer."""
    for _ in range(2):
        assert await ann.call("DELETE", "/sessions/current") == {}


async def test_one_of_many_wins_a_handle(reach: Reach) -> None:
    """Of simultaneous sign-ups for one handle, one succeeds and the others get HANDLE_TAKEN."""
    account = {"handle": "wanted.by.all", "password": PASSWORD}
    responses = await asyncio.gather(*(reach.http.post("/users", json=account) for _ in range(5)))
    assert sorted(response.status_code for response in responses) == [200, 409, 409, 409, 409]


async def test_a_key_creates_one_post(bob: Person, photo_of_bob: str) -> None:
    """Posts repeated with a key, even simultaneously, are the same post."""
    body = {"caption": "once", "mediaIds": [photo_of_bob]}
    calls = (bob.call("POST", "/posts", body, idempotency_key="key-1") for _ in range(4))
    answers = [*await asyncio.gather(*calls), await bob.call("POST", "/posts", body, idempotency_key="key-1")]
    assert len({answer["postId"] for answer in answers}) == 1
    assert len((await bob.call("GET", f"/users/{bob.user_id}/posts"))["posts"]) == 1
    other = await bob.call("POST", "/posts", body, idempotency_key="key-2")
    assert other["postId"] != answers[0]["postId"]


async def test_a_key_belongs_to_one_body(bob: Person, photo_of_bob: str) -> None:
    """A different post with the same key is refused and not created."""
    body = {"caption": "first", "mediaIds": [photo_of_bob]}
    await bob.call("POST", "/posts", body, idempotency_key="key")
    response = await bob.send("POST", "/posts", {**body, "caption": "second"}, idempotency_key="key")
    assert (response.status_code, rest_outcome(response).reason) == (409, "IDEMPOTENCY_MISMATCH")
    posts = (await bob.call("GET", f"/users/{bob.user_id}/posts"))["posts"]
    assert [post["caption"] for post in posts] == ["first"]


async def test_a_key_belongs_to_its_author(ann: Person, bob: Person, photo: bytes, photo_of_bob: str) -> None:
    """Two authors may use the same key."""
    photo_of_ann = await ann.upload(photo)
    for author, media_id in ((ann, photo_of_ann), (bob, photo_of_bob)):
        body = {"caption": author.handle, "mediaIds": [media_id]}
        answer = await author.call("POST", "/posts", body, idempotency_key="the same")
        assert answer["post"]["caption"] == author.handle


async def test_a_key_creates_one_account(reach: Reach) -> None:
    """Sign-ups repeated with a key, even simultaneously, get the same account; another one with that key is refused."""
    account = {"handle": f"key.{secrets.token_hex(4)}", "displayName": "Kay", "password": PASSWORD}
    key = {"idempotency-key": secrets.token_hex(16)}
    calls = (reach.http.post("/users", json=account, headers=key) for _ in range(3))
    answers = [*await asyncio.gather(*calls), await reach.http.post("/users", json=account, headers=key)]
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.text for answer in answers}) == 1
    other = await reach.http.post("/users", json={**account, "password": "another horse"}, headers=key)
    assert (other.status_code, rest_outcome(other).reason) == (409, "IDEMPOTENCY_MISMATCH")
    assert (await logged_in(reach, account["handle"])).handle == account["handle"]


async def test_a_key_starts_one_upload(bob: Person) -> None:
    """Uploads started with one key are one medium with the same parts; another file with that key is refused."""
    file = {"contentType": "image/jpeg", "sizeBytes": "9000000", "altText": "a hill"}
    first, second = [await bob.call("POST", "/media", file, idempotency_key="film") for _ in range(2)]
    assert first["mediaId"] == second["mediaId"]
    assert [(part["number"], part["sizeBytes"]) for part in first["parts"]] == [
        (part["number"], part["sizeBytes"]) for part in second["parts"]
    ]
    other = await bob.send("POST", "/media", {**file, "altText": "a hole"}, idempotency_key="film")
    assert (other.status_code, rest_outcome(other).reason) == (409, "IDEMPOTENCY_MISMATCH")


async def test_an_overlong_key_is_refused(bob: Person, photo_of_bob: str) -> None:
    """An idempotency key has at most 255 characters."""
    body = {"caption": "", "mediaIds": [photo_of_bob]}
    response = await bob.send("POST", "/posts", body, idempotency_key="k" * 256)
    assert (response.status_code, rest_outcome(response).reason) == (400, "IDEMPOTENCY_KEY_INVALID")
