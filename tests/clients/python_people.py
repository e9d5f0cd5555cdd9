"""People who use a mesh by the Python client."""

import secrets
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from lensfeed_client import AsyncLensfeed, Sessions
from lensfeed_client.sessions import Session

PASSWORD = "correct horse battery"


def new_handle(name: str) -> str:
    """Return a handle that nobody has."""
    return f"{name}_{secrets.token_hex(4)}"


async def newcomer(feed: AsyncLensfeed, name: str) -> Session:
    """Sign somebody up and log them in; their session."""
    handle = new_handle(name)
    await feed.sign_up(handle, PASSWORD, name.title())
    await feed.log_in(handle, PASSWORD)
    assert feed.session is not None
    return feed.session


def kept(sessions: Sessions, url: str) -> Session:
    """Return the session at a mesh; fails where there is none."""
    session = sessions.load(url)
    assert session is not None
    return session


def let_end(sessions: Sessions, url: str) -> Session:
    """Make the clients believe that the access token is about to end; the session as it is now."""
    session = replace(kept(sessions, url), expires_at=datetime.now(UTC) + timedelta(seconds=1))
    with sessions.locked():
        sessions.save(session)
    return session


def spoil(sessions: Sessions, url: str) -> Session:
    """Put an access token there that the edge refuses, although it seems good for long; the session as it is now."""
    session = replace(kept(sessions, url), access_token="spoilt")
    with sessions.locked():
        sessions.save(session)
    return session
