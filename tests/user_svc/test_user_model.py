"""The rules of accounts that need no store."""

import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meshkit.errors import InvalidArgumentError
from user_svc.model import Rendition, avatar_url, check_bio, check_display_name, handle_of

_WIDTHS = st.lists(st.integers(1, 5000), unique=True)
_TYPES = ("image/avif", "image/webp", "image/jpeg")


@given(st.from_regex(re.compile(r"[a-z0-9_.]{3,30}", re.ASCII), fullmatch=True))
def test_handles(text: str) -> None:
    """Three to thirty characters of the alphabet are a handle."""
    assert handle_of(text) == text


def test_handles_in_any_case() -> None:
    """People may type a handle in upper case."""
    assert handle_of("Ada.L") == "ada.l"


@pytest.mark.parametrize(
    "text", ["", "ab", "a" * 31, "a-b", "ada\n", "ada ", "adä", "a\0da", "ad٣", "\N{KELVIN SIGN}im"]
)
def test_what_is_no_handle(text: str) -> None:
    """Other lengths and characters are refused, including a trailing line end and digits of other scripts."""
    assert handle_of(text) is None


@given(st.text(max_size=64))
def test_display_name_is_one_line(text: str) -> None:
    """A name is refused if and only if it has a control character, with the field's name."""
    if any(unicodedata.category(each) == "Cc" for each in text):
        with pytest.raises(InvalidArgumentError) as caught:
            check_display_name(text)
        assert [(each.field, each.reason) for each in caught.value.violations] == [("display_name", "FIELD_INVALID")]
    else:
        check_display_name(text)


def test_bio_may_have_lines() -> None:
    """A bio may contain line ends and tabs but no other control characters."""
    check_bio("one\r\ntwo\tthree")
    for text in ("\0", "a\x1bb", "\x7f", "\x85"):
        with pytest.raises(InvalidArgumentError, match="FIELD_INVALID"):
            check_bio(text)


@given(_WIDTHS)
def test_avatar_is_the_narrowest_wide_enough(widths: list[int]) -> None:
    """The avatar is the narrowest JPEG from 320 pixels on, else the widest."""
    renditions = [Rendition(f"{kind}/{width}", kind, width) for width in widths for kind in _TYPES]
    best = min((width for width in widths if width >= 320), default=max(widths, default=None))
    assert avatar_url(renditions) == (None if best is None else f"image/jpeg/{best}")


def test_avatar_needs_a_jpeg() -> None:
    """A photo without a JPEG gives no avatar: every app must be able to show it."""
    assert avatar_url([Rendition("a", "image/avif", 640), Rendition("w", "image/webp", 640)]) is None
