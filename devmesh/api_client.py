"""The public REST interface, as an app sees it."""

from collections.abc import Mapping
from typing import Any, Self
from uuid import uuid4

import httpx
import stamina

RETRIED = frozenset({429, 503, 504})
TRIES = 8
LONGEST_PAUSE_SECONDS = 20.0
TIMEOUT_SECONDS = 30.0

Json = dict[str, Any]


class ApiError(Exception):
    """The mesh refused a call. `reason` is the contract's word for why, such as HANDLE_TAKEN; empty where it gave none."""

    def __init__(self, call: str, response: httpx.Response) -> None:
        status = _json(response)
        self.http_status = response.status_code
        self.retry_after = response.headers.get("Retry-After", "")
        self.reason = next((str(part["reason"]) for part in status.get("details", []) if "reason" in part), "")
        super().__init__(f"{call} was answered {self.http_status} {self.reason}: {status.get('message', '')}")


class ApiClient:
    """Calls as one person, or as nobody. Every call here may be repeated, and is, where the mesh asks for patience."""

    def __init__(self, http: httpx.AsyncClient, token: str = "") -> None:
        self._http = http
        self._headers = {"Authorization": f"Bearer {token}"} if token else {}

    async def sign_up(self, handle: str, display_name: str, password: str) -> None:
        """Make an account. Raises ApiError with HANDLE_TAKEN where there is one of this handle."""
        await self._call("POST", "/users", {"handle": handle, "displayName": display_name, "password": password})

    async def log_in(self, handle: str, password: str) -> tuple[Self, str]:
        """Open a session: the client to go on with, and the person's id."""
        session = await self._call("POST", "/sessions", {"handle": handle, "password": password})
        return type(self)(self._http, session["accessToken"]), session["user"]["userId"]

    async def describe(self, bio: str) -> None:
        """Change one's own profile."""
        await self._call("PATCH", "/users/me", {"bio": bio})

    async def follow(self, user_id: str) -> None:
        """Follow someone."""
        await self._call("POST", "/follows", {"followeeId": user_id})

    async def upload(self, content: bytes, content_type: str, alt_text: str) -> str:
        """Upload a medium in the parts that the mesh asks for; its id."""
        wish = {"contentType": content_type, "sizeBytes": len(content), "altText": alt_text}
        upload = await self._call("POST", "/media", wish)
        parts, start = [], 0
        for part in upload["parts"]:
            size = int(part["sizeBytes"])
            etag = await self._put(part, content[start : start + size])
            parts.append({"number": part["number"], "etag": etag})
            start += size
        await self._call("POST", f"/media/{upload['mediaId']}/complete", {"parts": parts})
        return str(upload["mediaId"])

    async def post(self, caption: str, media_ids: list[str]) -> str:
        """Post media; the post's id."""
        once = {"Idempotency-Key": str(uuid4())}
        reply = await self._call("POST", "/posts", {"caption": caption, "mediaIds": media_ids}, once)
        return str(reply["postId"])

    async def post_state(self, post_id: str) -> str:
        """Ask whether a post is POST_STATE_PENDING or POST_STATE_PUBLISHED."""
        return str((await self._call("GET", f"/posts/{post_id}"))["post"]["state"])

    async def post_count(self, user_id: str) -> int:
        """Count someone's posts, up to 100."""
        return len((await self._call("GET", f"/users/{user_id}/posts?limit=100")).get("posts", []))

    async def _call(
        self, method: str, path: str, body: Json | None = None, headers: Mapping[str, str] | None = None
    ) -> Json:
        async for attempt in stamina.retry_context(on=_pause, attempts=TRIES, timeout=None):
            with attempt:
                response = await self._http.request(
                    method, path, json=body, headers={**self._headers, **(headers or {})}
                )
                if not response.is_success:
                    raise ApiError(f"{method} {path}", response)
        return _json(response)

    async def _put(self, part: Json, content: bytes) -> str:
        async for attempt in stamina.retry_context(on=_pause, attempts=TRIES, timeout=None):
            with attempt:
                response = await self._http.put(part["url"], content=content, headers=part.get("headers", {}))
                if not response.is_success:
                    raise ApiError(f"PUT of part {part['number']}", response)
        return str(response.headers["ETag"])


def _pause(error: Exception) -> bool | float:
    """Tell whether to try again, and after how many seconds where the mesh says so."""
    if isinstance(error, ApiError) and error.http_status in RETRIED:
        return min(float(error.retry_after), LONGEST_PAUSE_SECONDS) if error.retry_after.isdigit() else True
    return isinstance(error, httpx.TransportError) and not isinstance(error, httpx.ConnectError)


def _json(response: httpx.Response) -> Json:
    try:
        body = response.json()
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}
