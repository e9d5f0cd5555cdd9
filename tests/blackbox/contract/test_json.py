"""JSON follows proto3's mapping, so that every client reads it the same way."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from tests.blackbox.mesh import Reach
from tests.blackbox.people import PASSWORD, Json, Person

pytestmark = pytest.mark.mesh

RFC_3339 = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{3}|\.\d{6}|\.\d{9})?Z$")
PUBLIC_ID = re.compile(r"^[a-z2-7]{26}$")
CAMEL_CASE = re.compile(r"^[a-z]+([A-Z][a-z]*)*$")
MOMENTS = {"createdAt", "publishedAt", "expiresAt"}
LONG_NUMBERS = {"userId", "authorId", "sizeBytes", "partSizeBytes", "durationMs", "followerCount", "followingCount"}
SHORT_NUMBERS = {"width", "height", "number"}
CHOICES = {
    "state": ("MEDIA_STATE_READY", "POST_STATE_PUBLISHED", "FOLLOW_STATE_FOLLOWING"),
    "kind": ("MEDIA_KIND_PHOTO",),
}


def fields(value: object) -> Iterator[tuple[str, object]]:
    """Iterate over every field of a JSON value at any depth."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield name, inner
            yield from fields(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from fields(inner)


@pytest.fixture
async def answers(reach: Reach, ann: Person, bob: Person, photo: bytes, photo_of_bob: str) -> Json:
    """One answer of each shape."""
    await ann.follow(bob)
    await bob.post("", [photo_of_bob])
    await ann.sees("")
    session = await reach.http.post("/sessions", json={"handle": ann.handle, "password": PASSWORD})
    return {
        "session": session.json(),
        "upload": await bob.start_upload(photo),
        "feed": await ann.call("GET", "/feed"),
        "relationship": await ann.call("GET", f"/users/{bob.user_id}/relationship"),
        "again": await ann.call("POST", "/follows", {"followeeId": bob.user_id}),
    }


async def test_json_follows_proto3(answers: Json) -> None:
    """Names are lowerCamelCase, 64-bit numbers and timestamps are strings, enum values are names."""
    seen = {name for name, _ in fields(answers)}
    headers = {name for part in answers["upload"]["parts"] for name in part["headers"]}
    assert MOMENTS | LONG_NUMBERS | SHORT_NUMBERS | set(CHOICES) <= seen
    for name, value in fields(answers):
        assert name in headers or CAMEL_CASE.match(name), name
        if name in MOMENTS:
            assert RFC_3339.match(str(value)), (name, value)
        if name in LONG_NUMBERS:
            assert isinstance(value, str), name
            assert value.isdecimal(), (name, value)
        if name in SHORT_NUMBERS:
            assert isinstance(value, int), name
        if name in CHOICES:
            assert value in CHOICES[name]
        if name in {"postId", "mediaId"}:
            assert PUBLIC_ID.match(str(value)), (name, value)


async def test_empty_fields_are_printed(answers: Json) -> None:
    """Empty strings and zeros are printed; fields that do not apply are absent."""
    post = answers["feed"]["items"][0]["post"]
    assert post["caption"] == ""
    assert post["media"][0]["durationMs"] == "0"
    assert "failure" not in post["media"][0]


async def test_timestamps_are_current(answers: Json) -> None:
    """The publication and expiry times are about right."""
    now = datetime.now(UTC)
    published = datetime.fromisoformat(answers["feed"]["items"][0]["post"]["publishedAt"])
    expires = datetime.fromisoformat(answers["session"]["expiresAt"])
    assert timedelta(0) <= now - published < timedelta(minutes=2)
    assert timedelta(minutes=13) < expires - now <= timedelta(minutes=15, seconds=1)


async def test_the_mesh_reports_its_health(reach: Reach) -> None:
    """The health check needs no token and reveals nothing about the parts."""
    response = await reach.http.get("/healthz")
    assert (response.status_code, response.json()) == (200, {"status": "SERVING"})
