"""Users of a mesh who use the Python client."""

import secrets
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from lensfeed_client import AsyncLensfeed, Sessions
from lensfeed_client.sessions.session import Session

PASSWORD = "correct horse battery"


def new_handle(name: str) -> str:
    """Return an unused handle."""
    return f"{name}_{secrets.token_hex(4)}"


async def new_user(feed: AsyncLensfeed, name: str) -> Session:
    """Sign someone up, log them in, and return their session."""
    handle = new_handle(name)
    await feed.sign_up(handle, PASSWORD, name.title())
    await feed.log_in(handle, PASSWORD)
    assert feed.session is not None
    return feed.session


def stored(sessions: Sessions, url: str) -> Session:
    """Return the session for a mesh. Fails if there is none."""
    session = sessions.load(url)
    assert session is not None
    return session


def let_expire(sessions: Sessions, url: str) -> Session:
    """Make the access token look nearly expired, and return the session."""
    session = replace(stored(sessions, url), expires_at=datetime.now(UTC) + timedelta(seconds=1))
    with sessions.locked():
        sessions.save(session)
    return session


def corrupt(sessions: Sessions, url: str) -> Session:
    """Replace the access token with one that the edge refuses, and return the session."""
    session = replace(stored(sessions, url), access_token="corrupt")
    with sessions.locked():
        sessions.save(session)
    return session
