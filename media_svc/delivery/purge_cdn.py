"""Purge files from a CDN."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence

import aiohttp
import stamina

from media_svc.settings import CdnSettings
from meshkit.errors import UnavailableError

PURGES_AT_ONCE = 16
TIMEOUT = aiohttp.ClientTimeout(total=10)
# A cache that does not have the file has nothing to purge.
_DONE = frozenset({200, 202, 204, 404, 410})


@contextlib.asynccontextmanager
async def open_caches(settings: CdnSettings) -> AsyncIterator["CdnCaches"]:
    """Open the CDN client. Without a purge URL, purging does nothing."""
    token = settings.cdn_purge_token
    headers = {"Authorization": f"Bearer {token.get_secret_value()}"} if token else {}
    async with aiohttp.ClientSession(headers=headers, timeout=TIMEOUT) as http:
        yield CdnCaches(http, settings.cdn_purge_url)


class CdnCaches:
    """Sends `PURGE URL/NAME` for each name, which Varnish, nginx, Fastly and others understand."""

    def __init__(self, http: aiohttp.ClientSession, url: str | None) -> None:
        self._http = http
        self._url = url.rstrip("/") if url else None
        self._slots = asyncio.Semaphore(PURGES_AT_ONCE)

    async def purge(self, names: Sequence[str]) -> None:
        """Purge files by their names."""
        if self._url is not None:
            await asyncio.gather(*(self._purge(f"{self._url}/{name}") for name in names))

    async def _purge(self, url: str) -> None:
        async with self._slots:
            async for attempt in stamina.retry_context(on=UnavailableError, attempts=3, wait_initial=0.2, wait_max=2.0):
                with attempt:
                    await self._ask(url)

    async def _ask(self, url: str) -> None:
        try:
            async with self._http.request("PURGE", url) as answer:
                if answer.status not in _DONE:
                    raise UnavailableError
        except (aiohttp.ClientError, TimeoutError) as error:
            raise UnavailableError from error
