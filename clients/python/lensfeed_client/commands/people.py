"""Whom a word on the command line means."""

import re

from lensfeed.user.v1.user_pb2 import User

from lensfeed_client import Lensfeed, LensfeedError
from lensfeed_client.commands.refusal import Refusal

_ID = re.compile(r"[0-9]{1,19}")
_LARGEST_ID = 2**63 - 1


def find_user(mesh: Lensfeed, word: str) -> User:
    """Return who is meant by `@ada`, `ada` or an id. A number without an @ is an id first, and else a handle.

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
    raise Refusal("NOT_FOUND", "USER_NOT_FOUND", f"there is nobody called {word}", "a handle is like ada, or @ada")
