"""Finding the user that an argument names."""

import re

from lensfeed.user.v1.user_pb2 import User

from lensfeed_client import Lensfeed, LensfeedError
from lensfeed_client.commands.errors.refusal import Refusal

_ID = re.compile(r"[0-9]{1,19}")
_LARGEST_ID = 2**63 - 1


def find_user(mesh: Lensfeed, word: str) -> User:
    """Return the user for `@ada`, `ada` or an id. A number without @ is tried as an id first.

    Raises USER_NOT_FOUND.
    """
    name = word.strip().lower()
    is_id = _ID.fullmatch(name) and int(name) <= _LARGEST_ID
    for key in (int(name), name) if is_id else (name,):
        try:
            return mesh.user(key)
        except LensfeedError as error:
            if error.reason != "USER_NOT_FOUND":
                raise
    raise Refusal(
        "NOT_FOUND",
        "USER_NOT_FOUND",
        f"there is no user called {word}",
        "write a handle, such as ada or @ada, or an id",
    )
