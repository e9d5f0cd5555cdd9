"""What the use cases need of other services and of the event bus."""

from collections.abc import Sequence
from typing import Protocol, TypeVar

from meshkit.events.outbox import OutboxRecord


class Account(Protocol):
    """An account as user_svc describes it. The graph passes it on and reads no more than its id."""

    @property
    def user_id(self) -> int:
        """The account's id."""
        ...


AccountT = TypeVar("AccountT", bound=Account)
AccountT_co = TypeVar("AccountT_co", bound=Account, covariant=True)


class Users(Protocol[AccountT_co]):
    """The accounts of user_svc."""

    async def get_users(self, user_ids: Sequence[int]) -> Sequence[AccountT_co]:
        """Return the accounts that exist, in the order asked for, at most 200. An absent one is no error."""
        ...


class Announce(Protocol):
    """The fast path of events."""

    def send_soon(self, *records: OutboxRecord) -> None:
        """Begin to send events that are committed. Never waits, never fails."""
        ...
