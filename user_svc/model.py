"""Accounts, and the rules that do not depend on a store."""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from meshkit.errors import InvalidArgumentError
from user_svc.session import Session

# The contract's rule: lower-case ASCII only, so that no two handles look the same.
_HANDLE = re.compile(r"[a-z0-9_.]{3,30}")
# In characters. Longer passwords are refused before they cost a hash.
MAX_PASSWORD = 1_024
_CONTROL = "Cc"
# Control characters that a text of several lines may contain.
_LAYOUT = "\n\r\t"
_JPEG = "image/jpeg"
# In pixels: sharp at the size of an avatar, also on dense screens.
AVATAR_WIDTH = 320


@dataclass(frozen=True, slots=True)
class User:
    """An account as everybody sees it. `created_at` is in milliseconds since 1970."""

    user_id: int
    handle: str
    display_name: str
    created_at: int
    bio: str = ""
    avatar_media_id: str = ""
    avatar_url: str = ""


@dataclass(frozen=True, slots=True)
class Account:
    """An account with its secrets: the encoded Argon2id hash of its password, and the hashes of its recovery codes.

    `password_version` counts the changes of the password. `kept_session` made the last one. `recovery` maps each code's hash to
    when it was used, in seconds since 1970, or to 0.
    """

    user: User
    password_hash: str
    password_version: int = 0
    kept_session: str = ""
    recovery: Mapping[bytes, int] = field(default_factory=dict)

    def accepts(self, session: Session) -> bool:
        """Return whether a session may go on: it began after the last change of the password, or made that change."""
        return session.password_version >= self.password_version or session.session_id == self.kept_session


@dataclass(frozen=True, slots=True)
class Avatar:
    """A profile picture: the photo and its URL. Both are empty if there is none."""

    media_id: str = ""
    url: str = ""


@dataclass(frozen=True, slots=True)
class ProfileChange:
    """The changes to a profile. None leaves a field as it is."""

    display_name: str | None = None
    bio: str | None = None
    avatar: Avatar | None = None


@dataclass(frozen=True, slots=True)
class Rendition:
    """One size and format of a photo. `width` is in pixels."""

    url: str
    content_type: str
    width: int


@dataclass(frozen=True, slots=True)
class Picture:
    """A medium that may become an avatar."""

    is_ready_photo: bool
    renditions: Sequence[Rendition]


def handle_of(text: str) -> str | None:
    """Return the handle that a text names, in any case; None if it is not well-formed."""
    handle = text.lower() if text.isascii() else ""
    return handle if _HANDLE.fullmatch(handle) else None


def check_display_name(text: str) -> None:
    """Raise InvalidArgumentError (FIELD_INVALID) if a name is not one printable line."""
    if _has_control(text, allowed=""):
        raise InvalidArgumentError.of_field(
            "display_name", "FIELD_INVALID", "a display name must not contain control characters"
        )


def check_bio(text: str) -> None:
    """Raise InvalidArgumentError (FIELD_INVALID) for control characters other than line ends and tabs."""
    if _has_control(text, allowed=_LAYOUT):
        raise InvalidArgumentError.of_field(
            "bio", "FIELD_INVALID", "a bio must not contain control characters other than line ends and tabs"
        )


def avatar_url(renditions: Sequence[Rendition]) -> str | None:
    """Return the URL of the narrowest JPEG of at least 320 pixels, else of the widest; None without any."""
    jpegs = sorted((each for each in renditions if each.content_type == _JPEG), key=lambda each: each.width)
    wide = [each for each in jpegs if each.width >= AVATAR_WIDTH]
    return next((each.url for each in wide or jpegs[-1:]), None)


def _has_control(text: str, *, allowed: str) -> bool:
    return any(unicodedata.category(each) == _CONTROL and each not in allowed for each in text)
