"""What the use cases need from other services and from the event bus."""

from collections.abc import Sequence
from typing import Protocol, TypeVar

from meshkit.events.outbox import OutboxRecord


class Account(Protocol):
    """An account as user_svc describes it. follow_svc reads only its id."""

    @property
    def user_id(self) -> int:
        """The account's id."""
        ...


AccountT = TypeVar("AccountT", bound=Account)
AccountT_co = TypeVar("AccountT_co", bound=Account, covariant=True)


class Users(Protocol[AccountT_co]):
    """The accounts of user_svc."""

    async def get_users(self, user_ids: Sequence[int]) -> Sequence[AccountT_co]:
        """Return the accounts that exist, in the order of the request. At most 200 ids."""
        ...


class Announce(Protocol):
    """Sends events as soon as they are committed."""

    def send_soon(self, *records: OutboxRecord) -> None:
        """Start sending committed events. Does not wait and does not fail."""
        ...
