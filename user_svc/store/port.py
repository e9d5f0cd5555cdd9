"""The port that the use cases define for their store.

Every read uses a whole key, and every write changes one row, conditionally if callers may race. A store without multi-row
transactions can do that. Signing up therefore takes two writes: the account, then the claim of its handle. A crash in between
leaves an account that nobody can find or log in to, and a handle that is still free.
"""

from collections.abc import Sequence
from typing import Protocol

from meshkit.events.outbox import OutboxRecord
from meshkit.idempotency import Claim
from user_svc.model import Account, ProfileChange, User
from user_svc.session import Rotation, Session


class UserStore(Protocol):
    """Accounts, handles and sessions."""

    async def add_account(self, account: Account) -> bool:
        """Add an account, unless its id is taken. Returns whether it was added."""
        ...

    async def remove_account(self, user_id: int) -> None:
        """Remove an account that could not claim its handle. Repeatable."""
        ...

    async def claim_key(self, user_id: int, key: str, claim: Claim) -> Claim:
        """Bind an idempotency key to a claim unless it was bound within 24 hours. Return what it is bound to."""
        ...

    async def claim_handle(self, handle: str, user_id: int) -> int:
        """Give a handle to an account unless it has an owner. Returns the owner.

        Atomic, and repeatable by the owner. Raises UnavailableError if the outcome is unknown.
        """
        ...

    async def get_handle_owner(self, handle: str) -> int | None:
        """Return the id of the account that owns a handle."""
        ...

    async def get_account(self, user_id: int) -> Account | None:
        """Return an account with its secret."""
        ...

    async def get_users(self, user_ids: Sequence[int]) -> Sequence[User]:
        """Return the accounts that exist, in the order of the request. A repeated id yields a repeated account."""
        ...

    async def change_profile(self, user_id: int, change: ProfileChange, records: Sequence[OutboxRecord]) -> None:
        """Change an existing account and write `records`, all or nothing. None leaves a field as it is."""
        ...

    async def replace_password_hash(self, user_id: int, old: str, new: str) -> None:
        """Replace a hash if it is still `old`."""
        ...

    async def replace_credentials(self, old: Account, new: Account) -> bool:
        """Replace an account's hash, version, kept session and recovery codes if hash and codes are still those of `old`.

        Returns whether they are now those of `new`. Raises UnavailableError if the outcome is unknown.
        """
        ...

    async def add_session(self, session: Session) -> None:
        """Add a session under a new id. The store may drop sessions once they have expired."""
        ...

    async def get_session(self, session_id: str) -> Session | None:
        """Return a session that has not expired. Turn and revocation may be stale: `rotate_session` decides."""
        ...

    async def list_sessions(self, user_id: int) -> Sequence[Session]:
        """Return an account's sessions that are not revoked. Some may have expired."""
        ...

    async def rotate_session(self, session_id: str, rotation: Rotation) -> bool:
        """Replace the old turn and extend the expiry, if the turn is the old one and the session is not revoked.

        Returns whether it did. Atomic: of two callers with one old turn, one gets True. Raises UnavailableError if the outcome is
        unknown, because False could end the session.
        """
        ...

    async def get_rotated_session(self, session_id: str) -> Session | None:
        """Return a session with its last rotation: never stale, also while a rotation is being decided."""
        ...

    async def revoke_session(self, session_id: str) -> None:
        """Revoke a session for good. Repeatable; does nothing if there is none."""
        ...
