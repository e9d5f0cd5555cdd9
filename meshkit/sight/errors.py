"""The error of callers who ask for what they have blocked."""

from meshkit.errors import PermissionDeniedError


class UserBlockedError(PermissionDeniedError):
    """The caller blocks the account."""

    def __init__(self) -> None:
        super().__init__("USER_BLOCKED", "you have blocked this account")
