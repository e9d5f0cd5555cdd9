"""ETags and the conditions of callers."""

import pytest

from meshkit.call import CURRENT, Call
from meshkit.etags import etag_of, is_known

ETAG = etag_of(b"an answer")


@pytest.mark.parametrize("known", [ETAG, ETAG.removeprefix("W/"), f'W/"x",{ETAG}', f'"x", {ETAG} ', "*", " * "])
def test_a_condition_may_list_the_etag(known: str) -> None:
    """The comparison is the weak one of RFC 9110, with lists and the wildcard."""
    CURRENT.set(Call("r", is_rest=True, if_none_match=known))
    assert is_known(ETAG, "")
    CURRENT.set(Call("r"))
    assert is_known(ETAG, known)


@pytest.mark.parametrize("known", ["", '""', ETAG[3:-1], f'{ETAG[:-1]}0"', '"', "W/", '"*"', "x" * 7000, '"' * 7000])
def test_other_conditions_do_not_match(known: str) -> None:
    """Other and malformed ETags are no reason to leave the answer out."""
    CURRENT.set(Call("r", is_rest=True, if_none_match=known))
    assert not is_known(ETAG, "")
    assert not is_known(ETAG, known)


def test_only_rest_has_the_header() -> None:
    """A gRPC caller's metadata does not make an answer empty that it does not expect to be."""
    CURRENT.set(Call("r", if_none_match=ETAG))
    assert not is_known(ETAG, "")


def test_answers_differ() -> None:
    """Equal answers have equal ETags, others do not."""
    assert etag_of(b"an answer") == ETAG != etag_of(b"another answer")
