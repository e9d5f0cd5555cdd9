"""What the use cases need from other parts."""

from collections.abc import Callable
from typing import Protocol

from meshkit.events.outbox import OutboxRecord
from user_svc.model import Picture


class Announce(Protocol):
    """Sends committed events."""

    def send_soon(self, *records: OutboxRecord) -> None:
        """Start sending. Does not wait and does not fail."""
        ...


class Pictures(Protocol):
    """Access to photos."""

    async def find_picture(self, owner_id: int, media_id: str) -> Picture | None:
        """Return a medium of this owner, or None if it does not exist or belongs to another."""
        ...


class Revoke(Protocol):
    """Makes the services refuse a session's access tokens. The edge accepts them until they expire."""

    async def add(self, session_id: str, until: int) -> None:
        """Refuse them until a time in seconds since 1970. Repeatable; does not fail."""
        ...


# Returns the event for a changed profile, given the account's id.
UserUpdated = Callable[[int], OutboxRecord]


class FailureCounts(Protocol):
    """Counters that all processes share and that expire."""

    async def add(self, key: str, seconds: int) -> int:
        """Add one, and return the count. It starts again `seconds` after its first. Raises UnavailableError."""
        ...

    async def take_back(self, key: str) -> None:
        """Subtract one. Raises UnavailableError."""
        ...
