"""A logged-in person who calls the edge as an app does, and knows the outcome of each call."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import httpx

from faults.world.ledger import Known

PASSWORD = "faults are expected"  # noqa: S105 - of people who live for minutes
PHOTO_SECONDS = 60.0
Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Answer:
    """The outcome of a call."""

    known: Known
    body: Json
    reason: str = ""


@dataclass
class Person:
    """Somebody of the world."""

    place: int
    handle: str
    user_id: str
    token: str
    http: httpx.AsyncClient
    media_id: str = ""
    is_busy: bool = False
    """Whether a change of this person is under way. The next one waits, so that the order of changes is known."""

    async def call(self, method: str, path: str, body: Json | None = None, *, key: str = "") -> Answer:
        """Call once, with a new idempotency key or the given one. A lost answer makes the outcome unknown."""
        headers = {"authorization": f"Bearer {self.token}", "idempotency-key": key or str(uuid4())}
        return await answer(self.http, method, path, body, headers)

    async def must(self, method: str, path: str, body: Json | None = None) -> Json:
        """Call, and fail if the call does."""
        found = await self.call(method, path, body)
        if found.known is not Known.OK:
            raise RuntimeError(f"{method} {path}: {found.reason}")
        return found.body

    async def items(self, path: str, key: str) -> list[Json] | None:
        """Read all pages of a list; None if a page cannot be read."""
        found, cursor = list[Json](), ""
        while True:
            page = await self.call("GET", f"{path}?limit=100{f'&cursor={cursor}' if cursor else ''}")
            if page.known is not Known.OK:
                return None
            found += page.body[key]
            if not (cursor := page.body.get("nextCursor", "")):
                return found

    async def feed(self) -> list[str] | None:
        """Return the captions of the whole feed, newest first; None if it cannot be read."""
        items = await self.items("/feed", "items")
        return None if items is None else [item["post"]["caption"] for item in items]

    async def newest(self) -> Sequence[str] | None:
        """Return the captions of the feed's first page."""
        page = await self.call("GET", "/feed?limit=100")
        return None if page.known is not Known.OK else [item["post"]["caption"] for item in page.body["items"]]

    async def upload(self, photo: bytes) -> str:
        """Upload a photo and wait until it may be in posts. Returns its id."""
        upload = await self.begin_upload(photo)
        parts = [await self.put(upload, photo)]
        await self.must("POST", f"/media/{upload['mediaId']}/complete", {"parts": parts})
        async with asyncio.timeout(PHOTO_SECONDS):
            async for state in self._states(upload["mediaId"]):
                if state == "MEDIA_STATE_READY":
                    break
        return str(upload["mediaId"])

    async def begin_upload(self, photo: bytes) -> Json:
        """Begin to upload a small photo. Returns its id and where to put its only part."""
        return await self.must("POST", "/media", {"contentType": "image/jpeg", "sizeBytes": str(len(photo))})

    async def put(self, upload: Json, photo: bytes) -> Json:
        """Put a photo's bytes into S3. Returns the part, as `complete` takes it."""
        [part] = upload["parts"]
        response = await self.http.put(part["url"], content=photo, headers=part["headers"])
        response.raise_for_status()
        return {"number": part["number"], "etag": response.headers["etag"]}

    async def _states(self, media_id: str) -> AsyncIterator[str]:
        while True:
            yield (await self.must("GET", f"/media/{media_id}"))["media"]["state"]
            await asyncio.sleep(0.1)


async def signed_up(http: httpx.AsyncClient, place: int, handle: str) -> Person:
    """Sign up and log in."""
    account = {"handle": handle, "displayName": f"Person {place}", "password": PASSWORD}
    made = await answer(http, "POST", "/users", account, {"idempotency-key": str(uuid4())})
    if made.known is not Known.OK:
        raise RuntimeError(f"{handle} cannot sign up: {made.reason}")
    session = await answer(http, "POST", "/sessions", {"handle": handle, "password": PASSWORD}, {})
    if session.known is not Known.OK:
        raise RuntimeError(f"{handle} cannot log in: {session.reason}")
    return Person(place, handle, session.body["user"]["userId"], session.body["accessToken"], http)


async def answer(http: httpx.AsyncClient, method: str, path: str, body: Json | None, headers: dict[str, str]) -> Answer:
    """Call and say what is known of it: a refusal failed, and whatever else is no answer is unknown."""
    try:
        response = await http.request(method, path, json=body, headers=headers)
    except httpx.ConnectError as error:
        return Answer(Known.FAILED, {}, repr(error))
    except httpx.HTTPError as error:
        return Answer(Known.UNKNOWN, {}, type(error).__name__)
    if response.is_success:
        return Answer(Known.OK, response.json())
    reason = _reason(response)
    is_refused = response.status_code < httpx.codes.INTERNAL_SERVER_ERROR or reason in _NOT_BEGUN
    return Answer(Known.FAILED if is_refused else Known.UNKNOWN, {}, f"{response.status_code} {reason}")


# Errors that promise that nothing was begun.
_NOT_BEGUN = frozenset({"UNAVAILABLE", "OVERLOADED"})


def _reason(response: httpx.Response) -> str:
    try:
        return str(next(each["reason"] for each in response.json()["details"] if "reason" in each))
    except (ValueError, LookupError, StopIteration, TypeError):
        return response.text[:80]
