"""Users of a mesh who call it over REST, as an app does."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any, TypeVar
from uuid import uuid4

import httpx

from tests.blackbox.mesh import Reach
from tests.protocols import rest_outcome

Json = dict[str, Any]
Value = TypeVar("Value")

PASSWORD = "correct horse battery"
TIMEOUT_SECONDS = 120.0
"""How long tests wait for asynchronous effects, which take less than a second on an idle machine."""

_numbers = count(1)


@dataclass(frozen=True)
class Person:
    """A logged-in user."""

    reach: Reach
    handle: str
    user_id: str
    access_token: str
    refresh_token: str

    @property
    def headers(self) -> dict[str, str]:
        """The headers that authenticate the user, in every protocol."""
        return {"authorization": f"Bearer {self.access_token}"}

    async def send(self, method: str, path: str, body: Json | None = None, **headers: str) -> httpx.Response:
        """Call and return the response, whatever its status. Underscores in header names stand for hyphens."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return await self.reach.http.request(method, path, json=body, headers={**self.headers, **named})

    async def call(self, method: str, path: str, body: Json | None = None, **headers: str) -> Json:
        """Call, as clients do with a key of its own, and return the JSON answer. Fails if the call does."""
        named = {"idempotency_key": str(uuid4()), **headers}
        response = await until_known(lambda: self.send(method, path, body, **named))
        assert response.status_code == 200, f"{method} {path}: {response.status_code} {response.text}"
        answer: Json = response.json()
        return answer

    async def start_upload(self, content: bytes, content_type: str = "image/jpeg", alt_text: str = "") -> Json:
        """Start an upload and return where its parts go."""
        upload = {"contentType": content_type, "sizeBytes": str(len(content)), "altText": alt_text}
        return await self.call("POST", "/media", upload)

    async def upload(self, content: bytes, content_type: str = "image/jpeg", alt_text: str = "") -> str:
        """Upload and complete a medium, and return its id."""
        upload = await self.start_upload(content, content_type, alt_text)
        parts = await put_parts(upload, content)
        await self.call("POST", f"/media/{upload['mediaId']}/complete", {"parts": parts})
        return str(upload["mediaId"])

    async def finished(self, media_id: str) -> Json:
        """Wait until a medium is READY or REJECTED and return it."""

        async def look() -> Json:
            media: Json = (await self.call("GET", f"/media/{media_id}"))["media"]
            return media

        return await eventually(look, lambda media: media["state"] in {"MEDIA_STATE_READY", "MEDIA_STATE_REJECTED"})

    async def post(self, caption: str, media_ids: Sequence[str]) -> str:
        """Create a post and return its id."""
        return str((await self.call("POST", "/posts", {"caption": caption, "mediaIds": list(media_ids)}))["postId"])

    async def follow(self, *others: "Person") -> None:
        """Follow other users."""
        for other in others:
            await self.call("POST", "/follows", {"followeeId": other.user_id})

    async def pages(self, limit: int, path: str = "/feed") -> list[Json]:
        """Read all pages of a list."""
        pages = [await self.call("GET", f"{path}?limit={limit}")]
        while "nextCursor" in pages[-1]:
            pages.append(await self.call("GET", f"{path}?limit={limit}&cursor={pages[-1]['nextCursor']}"))
        return pages

    async def feed(self) -> list[str]:
        """Read the whole feed and return the captions, newest first."""
        return [item["post"]["caption"] for page in await self.pages(100) for item in page["items"]]

    async def sees(self, *captions: str) -> None:
        """Wait until the whole feed has exactly these captions, newest first."""
        await eventually(self.feed, lambda seen: seen == list(captions))


async def new_user(reach: Reach, name: str = "someone") -> Person:
    """Sign up and log in. The handle begins with `name`."""
    handle = f"{name}.{next(_numbers)}"
    account = {"handle": handle, "displayName": name.title(), "password": PASSWORD}
    key = {"Idempotency-Key": str(uuid4())}
    response = await until_known(lambda: reach.http.post("/users", json=account, headers=key))
    assert response.status_code == 200, response.text
    return await logged_in(reach, handle)


async def logged_in(reach: Reach, handle: str, password: str = PASSWORD) -> Person:
    """Log in."""
    response = await until_known(lambda: reach.http.post("/sessions", json={"handle": handle, "password": password}))
    assert response.status_code == 200, response.text
    session = response.json()
    return Person(reach, handle, session["user"]["userId"], session["accessToken"], session["refreshToken"])


async def until_known(send: Callable[[], Awaitable[httpx.Response]]) -> httpx.Response:
    """Send a request again while its outcome is unknown, as clients do: on a busy machine Cassandra may confirm too late."""
    return await eventually(
        send, lambda response: response.status_code != 503 or rest_outcome(response).reason != "OUTCOME_UNKNOWN"
    )


async def put_parts(upload: Json, content: bytes) -> list[Json]:
    """PUT all parts with their headers and return the list for `complete`."""
    parts, start = [], 0
    async with httpx.AsyncClient(timeout=30) as s3:
        for part in upload["parts"]:
            end = start + int(part["sizeBytes"])
            response = await s3.put(part["url"], content=content[start:end], headers=part["headers"])
            assert response.status_code == 200, response.text
            parts.append({"number": part["number"], "etag": response.headers["etag"]})
            start = end
    assert start == len(content)
    return parts


async def eventually(look: Callable[[], Awaitable[Value]], wanted: Callable[[Value], bool]) -> Value:
    """Poll until the value is as wanted and return it. Fails with the last value."""
    end = time.monotonic() + TIMEOUT_SECONDS
    while not wanted(seen := await look()):
        assert time.monotonic() < end, f"the last value was {seen!r}"
        await asyncio.sleep(0.05)
    return seen
