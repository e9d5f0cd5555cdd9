"""Signed cursors."""

import base64
import hashlib
import struct

import itsdangerous
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from meshkit.cursors import VERSION, Cursors
from meshkit.errors import InvalidArgumentError
from meshkit.ids import MAX_ID

OLD, NEW = "old key", "new key"
VIEWERS = st.integers(0, MAX_ID)
POSITIONS = st.binary(max_size=64)
FEED = Cursors([OLD], "feed")


@given(VIEWERS, POSITIONS)
def test_a_cursor_decodes_to_its_position(viewer: int, position: bytes) -> None:
    """Its viewer gets the same position back, and the cursor is safe in a URL."""
    cursor = FEED.encode(viewer, position)
    assert FEED.decode(viewer, cursor) == position
    assert set(cursor) <= set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.")


@given(VIEWERS, VIEWERS, POSITIONS)
def test_a_foreign_cursor_is_refused(viewer: int, other: int, position: bytes) -> None:
    """A cursor of another viewer is refused."""
    assume(viewer != other)
    _assert_invalid(FEED, other, FEED.encode(viewer, position))


@given(VIEWERS, POSITIONS, st.data())
def test_a_tampered_cursor_is_refused(viewer: int, position: bytes, data: st.DataObject) -> None:
    """One changed character of the payload is enough."""
    cursor = FEED.encode(viewer, position)
    at = data.draw(st.integers(0, cursor.index(".") - 1))
    letter = data.draw(st.sampled_from("abcXYZ019-_"))
    assume(cursor[at] != letter)
    _assert_invalid(FEED, viewer, cursor[:at] + letter + cursor[at + 1 :])


def test_a_cursor_of_another_list_is_refused() -> None:
    """The same key signs another list's cursors differently."""
    _assert_invalid(Cursors([OLD], "followers"), 1, FEED.encode(1, b"here"))


def test_a_cursor_of_another_version_is_refused() -> None:
    """A cursor of an unknown version is refused, although its signature is valid."""
    assert FEED.decode(1, _signed(struct.pack(">Bq", VERSION, 1) + b"here")) == b"here"
    _assert_invalid(FEED, 1, _signed(struct.pack(">Bq", VERSION + 1, 1) + b"here"))


def test_a_signed_cursor_that_is_too_short_is_refused() -> None:
    """A payload that is too short is refused, although its signature is valid."""
    _assert_invalid(FEED, 1, _signed(b"\x01"))


def test_keys_rotate() -> None:
    """After a new key was added last, old cursors remain valid and new ones use the new key."""
    rotated = Cursors([OLD, NEW], "feed")
    assert rotated.decode(1, FEED.encode(1, b"here")) == b"here"
    assert Cursors([NEW], "feed").decode(1, rotated.encode(1, b"here")) == b"here"
    _assert_invalid(FEED, 1, rotated.encode(1, b"here"))


@pytest.mark.slow
@given(st.text(max_size=80))
def test_garbage_is_refused(text: str) -> None:
    """Any text in any script is refused in the same way."""
    _assert_invalid(FEED, 1, text)


@pytest.mark.parametrize("text", ["", ".", "..", "é.ü", "\ud800", "\x00.\x00", "AAAA.", ".AAAA", "A" * 10_000])
def test_unusual_texts_are_refused(text: str) -> None:
    """Empty parts, non-ASCII letters, lone surrogates and long texts are refused in the same way."""
    _assert_invalid(FEED, 1, text)


def test_old_cursors_remain_valid() -> None:
    """A cursor does not expire: one signed years ago under a known key keeps its meaning."""
    cursor = "AQAAAAAAAAAHMDEyMzQ1Njc4OWFiY2RlZg.n2g8lhHsLWCz1IKow4GGnpRi1M22mY-DlZQD7Isk3PQ"
    assert Cursors([OLD, NEW], "feed").encode(7, b"0123456789abcdef") == cursor
    assert Cursors([NEW, "a newer key"], "feed").decode(7, cursor) == b"0123456789abcdef"


def _signed(payload: bytes) -> str:
    signer = itsdangerous.Signer(OLD, salt="lensfeed.cursor.feed", key_derivation="hmac", digest_method=hashlib.sha256)
    return signer.sign(base64.urlsafe_b64encode(payload).rstrip(b"=")).decode()


def _assert_invalid(cursors: Cursors, viewer: int, cursor: str) -> None:
    with pytest.raises(InvalidArgumentError) as refused:
        cursors.decode(viewer, cursor)
    assert refused.value.reason == "CURSOR_INVALID"
    assert [violation.field for violation in refused.value.violations] == ["cursor"]
