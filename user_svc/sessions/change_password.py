"""Change a password."""

from dataclasses import replace

from user_svc.accounts.change_credentials import ChangeCredentials
from user_svc.accounts.passwords import Passwords
from user_svc.model import Account
from user_svc.sessions.end_sessions import EndSessions


class ChangePassword:
    """Changes a password and ends all sessions but the caller's."""

    def __init__(self, change_credentials: ChangeCredentials, passwords: Passwords, end_sessions: EndSessions) -> None:
        self._change_credentials = change_credentials
        self._passwords = passwords
        self._end_sessions = end_sessions

    async def __call__(self, user_id: int, session_id: str | None, password: str, new_password: str) -> None:
        """Return once the other sessions have ended. Raises UnauthenticatedError (CREDENTIALS_INVALID).

        A log-in with the old password at the same moment either is in the list of sessions that end here, or notices the change
        itself: it checks the password's version after it has added its session.
        """
        new_hash = await self._passwords.hash(new_password)

        def change(account: Account) -> Account:
            version = account.password_version + 1
            return replace(account, password_hash=new_hash, password_version=version, kept_session=session_id or "")

        await self._change_credentials(user_id, password, change)
        await self._end_sessions(user_id, keep=session_id)
