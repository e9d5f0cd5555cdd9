"""What an account is, and the rules that hold for it whatever stands in a store."""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from meshkit.errors import InvalidArgumentError

# The contract's rule: one lower-case alphabet, so that two handles never look the same.
_HANDLE = re.compile(r"[a-z0-9_.]{3,30}")
# In characters. Whatever is longer is refused before it costs a hash.
MAX_PASSWORD = 1_024
_CONTROL = "Cc"
# What a text of several lines may hold beside printable characters.
_LAYOUT = "\n\r\t"
_JPEG = "image/jpeg"
# Pixels across: sharp where an app shows an avatar, on dense screens too.
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
    """An account with its secret: the Argon2id hash of its password, in the encoded form that names its parameters."""

    user: User
    password_hash: str


@dataclass(frozen=True, slots=True)
class Avatar:
    """A profile picture: the photo and where it is served. Both are empty for no picture."""

    media_id: str = ""
    url: str = ""


@dataclass(frozen=True, slots=True)
class ProfileChange:
    """What to change of a profile. None stays as it is."""

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
    """A medium that may become an avatar: whether it is a photo that is ready, and what of it is served."""

    is_ready_photo: bool
    renditions: Sequence[Rendition]


def is_handle(text: str) -> bool:
    """Return whether a text has the shape of a handle."""
    return _HANDLE.fullmatch(text) is not None


def check_display_name(text: str) -> None:
    """Raise InvalidArgumentError (FIELD_INVALID) for a name that is not one printable line."""
    if _has_control(text, allowed=""):
        raise InvalidArgumentError.of_field("display_name", "FIELD_INVALID", "a name has no control characters")


def check_bio(text: str) -> None:
    """Raise InvalidArgumentError (FIELD_INVALID) for a text with control characters other than line ends and tabs."""
    if _has_control(text, allowed=_LAYOUT):
        raise InvalidArgumentError.of_field("bio", "FIELD_INVALID", "a bio has no control characters but line ends")


def avatar_url(renditions: Sequence[Rendition]) -> str | None:
    """Return where to serve an avatar from: the narrowest JPEG of at least 320 pixels, else the widest; None without any."""
    jpegs = sorted((each for each in renditions if each.content_type == _JPEG), key=lambda each: each.width)
    wide = [each for each in jpegs if each.width >= AVATAR_WIDTH]
    return next((each.url for each in wide or jpegs[-1:]), None)


def _has_control(text: str, *, allowed: str) -> bool:
    return any(unicodedata.category(each) == _CONTROL and each not in allowed for each in text)
