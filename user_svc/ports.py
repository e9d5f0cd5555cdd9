"""What the use cases need of other parts, in their own words."""

from collections.abc import Callable
from typing import Protocol

from meshkit.events.outbox import OutboxRecord
from user_svc.model import Picture


class Announce(Protocol):
    """Tells committed events to whoever listens."""

    def send_soon(self, *records: OutboxRecord) -> None:
        """Begin to tell; never waits, never fails."""
        ...


class Pictures(Protocol):
    """The media of people."""

    async def find_picture(self, owner_id: int, media_id: str) -> Picture | None:
        """Return a medium that belongs to an owner; None where it is absent or another's."""
        ...


class Revoke(Protocol):
    """Makes the services refuse a session's access tokens, which the edge takes for good until they expire."""

    async def add(self, session_id: str, until: int) -> None:
        """Refuse them until a moment, in seconds since 1970. Repeatable; never fails."""
        ...


# Makes the event of a changed profile, by the account's id.
UserUpdated = Callable[[int], OutboxRecord]
