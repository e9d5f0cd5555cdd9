"""The result of a log-in and of a refresh."""

from dataclasses import dataclass, field

from user_svc.model import User
from user_svc.sessions.access_tokens import AccessToken


@dataclass(frozen=True, slots=True)
class OpenSession:
    """An open session as its app gets it: the account and the two tokens."""

    user: User
    access_token: AccessToken
    refresh_token: str = field(repr=False)
