"""Ids and public ids."""

import base64
import string

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from meshkit.ids import EPOCH_MS, MAX_ID, MalformedIdError, PublicId, first_id, id_millis, new_id

IDS = st.integers(0, MAX_ID)
PUBLIC_IDS = st.builds(PublicId, IDS, IDS)
# From the epoch to the year 2093.
MOMENTS = st.integers(EPOCH_MS, EPOCH_MS + 2**41 - 1)
ALPHABET = string.ascii_lowercase + "234567"


@given(MOMENTS)
def test_an_id_contains_its_time(now_ms: int) -> None:
    """The creation time in milliseconds can be read from an id, which fits a signed 64-bit integer."""
    made = new_id(now_ms)
    assert id_millis(made) == now_ms
    assert first_id(now_ms) <= made < first_id(now_ms + 1) <= MAX_ID + 1


@given(st.lists(MOMENTS, min_size=2, max_size=2, unique=True))
def test_ids_order_by_time(moments: list[int]) -> None:
    """An id of an earlier millisecond is lower, whatever its random bits."""
    earlier, later = sorted(moments)
    assert new_id(earlier) < new_id(later)


def test_ids_of_one_millisecond_differ() -> None:
    """Two ids of one millisecond have different random bits."""
    assert len({new_id(EPOCH_MS) for _ in range(20)}) > 1


@given(PUBLIC_IDS)
def test_a_public_id_is_parsed_from_its_text(public: PublicId) -> None:
    """Text and bytes identify exactly that id, in 26 lower-case characters and 16 bytes."""
    assert PublicId.parse(str(public)) == public
    assert PublicId.unpack(public.pack()) == public
    assert len(str(public)) == 26
    assert len(public.pack()) == 16


@given(PUBLIC_IDS, PUBLIC_IDS)
def test_packed_ids_order_as_ids_do(one: PublicId, other: PublicId) -> None:
    """Stores that compare bytes sort public ids like ids."""
    assert (one < other) == (one.pack() < other.pack())


@given(PUBLIC_IDS, st.sampled_from(ALPHABET))
def test_a_public_id_has_one_spelling(public: PublicId, last: str) -> None:
    """A text that decodes to the same 16 bytes but is spelled differently is refused."""
    text = str(public)
    other = text[:-1] + last
    assume(other != text)
    same_bytes = base64.b32decode(other.upper() + "======") == public.pack()
    if same_bytes:
        with pytest.raises(MalformedIdError):
            PublicId.parse(other)
    else:
        assert _parsed(other) != public


@given(PUBLIC_IDS)
def test_upper_case_is_another_spelling(public: PublicId) -> None:
    """Capitals are refused, because a cache or ban list would treat them as another id."""
    text = str(public).upper()
    assume(text != str(public))
    assert _parsed(text) is None


@given(st.one_of(st.text(max_size=40), st.text(ALPHABET, max_size=40), st.text(ALPHABET, min_size=26, max_size=26)))
def test_any_text_is_an_id_or_malformed(text: str) -> None:
    """`parse` raises only MalformedIdError, and `str` returns what it accepts."""
    parsed = _parsed(text)
    assert parsed is None or str(parsed) == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a" * 25,
        "a" * 27,
        "a" * 25 + "=",
        " " + "a" * 25,
        "a" * 26 + "\n",
        "a" * 25 + "1",
        "ß" * 13,
        "\N{LATIN SMALL LETTER DOTLESS I}" * 26,
        "\x00" * 26,
        "\ud800" * 26,
        str(PublicId(2**63, 1)),
        str(PublicId(1, 2**64 - 1)),
    ],
)
def test_malformed_texts_are_refused(text: str) -> None:
    """Wrong lengths, foreign characters, lone surrogates and ids above 63 bits are refused."""
    with pytest.raises(MalformedIdError):
        PublicId.parse(text)


def _parsed(text: str) -> PublicId | None:
    try:
        return PublicId.parse(text)
    except MalformedIdError:
        return None
