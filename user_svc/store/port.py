"""What the use cases need of a store, in their own words.

Every read is by a whole key and every write is of one row, conditional where two callers may meet, so that a store without
transactions over several rows can do all of it. Making an account is therefore two writes: the account first, then the claim
of its handle. A crash in between leaves an account that nobody can find or log in to, and a handle that is still free.
"""

from collections.abc import Sequence
from typing import Protocol

from meshkit.events.outbox import OutboxRecord
from user_svc.model import Account, ProfileChange, User
from user_svc.session import Session


class UserStore(Protocol):
    """Accounts, handles and sessions."""

    async def add_account(self, account: Account) -> bool:
        """Add an account, unless its id is taken. Returns whether it was added."""
        ...

    async def remove_account(self, user_id: int) -> None:
        """Remove an account whose claim of a handle was refused. Repeatable."""
        ...

    async def claim_handle(self, handle: str, user_id: int) -> int:
        """Give a handle to an account unless it has an owner; returns whose it is.

        Atomic, and repeatable by its owner. Where the outcome is unknown it raises UnavailableError.
        """
        ...

    async def get_handle_owner(self, handle: str) -> int | None:
        """Return the id of the account that owns a handle."""
        ...

    async def get_account(self, user_id: int) -> Account | None:
        """Return an account with its secret."""
        ...

    async def get_users(self, user_ids: Sequence[int]) -> Sequence[User]:
        """Return the accounts that exist, in the order asked for, one for each time an id is named."""
        ...

    async def change_profile(self, user_id: int, change: ProfileChange, records: Sequence[OutboxRecord]) -> None:
        """Change an account that exists, and write `records` with it, all or nothing. What is None stays as it is."""
        ...

    async def replace_password_hash(self, user_id: int, old: str, new: str) -> None:
        """Replace a hash, unless it is no longer `old`."""
        ...

    async def add_session(self, session: Session) -> None:
        """Add a session under a new id. The store may forget sessions once they have expired."""
        ...

    async def get_session(self, session_id: str) -> Session | None:
        """Return a session that was added and has not expired. Its turn and revocation may lag: `rotate_session` decides."""
        ...

    async def rotate_session(self, session_id: str, old_turn: bytes, new_turn: bytes, expires_at: int) -> bool:
        """Replace the hash of the turn and move the expiry, if the hash is `old_turn` and the session is not revoked.

        Returns whether it did. Atomic: of two callers with one `old_turn`, one is told True. Where the outcome is unknown it
        raises UnavailableError: False would end the session.
        """
        ...

    async def revoke_session(self, session_id: str) -> None:
        """Revoke a session for good. Repeatable; nothing happens where there is none."""
        ...
