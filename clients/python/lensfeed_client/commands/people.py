"""Whom a word on the command line means."""

from lensfeed.user.v1.user_pb2 import User

from lensfeed_client import Lensfeed, LensfeedError


def find_user(mesh: Lensfeed, word: str) -> User:
    """Return who is meant by `@ada`, `ada` or an id. A number without an @ is an id first, and else a handle.

    Raises USER_NOT_FOUND.
    """
    name = word.strip().lower()
    if not (name.isascii() and name.isdigit()):
        return mesh.user(name)
    try:
        return mesh.user(int(name))
    except LensfeedError as error:
        if error.reason != "USER_NOT_FOUND":
            raise
    return mesh.user(f"@{name}")
