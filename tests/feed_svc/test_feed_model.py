"""The pure rules of timelines."""

from hypothesis import given
from hypothesis import strategies as st

from feed_svc.model import LOWEST, Places, author_of, entry_of, merge, place_of
from meshkit.ids import MAX_ID

ids = st.integers(0, MAX_ID)
worlds = st.dictionaries(st.integers(1, 9), st.sets(st.integers(1, 60), max_size=20), max_size=6)


@given(ids, ids)
def test_an_entry_gives_back_its_place_and_author(place: int, author: int) -> None:
    """An entry contains its place and author."""
    entry = entry_of(place, author)
    assert (len(entry), place_of(entry), author_of(entry)) == (16, place, author)


@given(ids, ids, ids, ids)
def test_entries_order_as_place_then_author(place: int, author: int, place2: int, author2: int) -> None:
    """Entries sort as numbers do, over the whole range."""
    assert (entry_of(place, author) < entry_of(place2, author2)) == ((place, author) < (place2, author2))


@given(worlds, st.integers(1, 20), st.integers(0, 50))
def test_nothing_above_the_floor_of_a_merge_is_missing(world: dict[int, set[int]], cap: int, limit: int) -> None:
    """However few places of each author were read, a merge returns the newest entries without a gap above its floor."""
    known = [Places(author, sorted(places, reverse=True)[:cap], len(places) < cap) for author, places in world.items()]
    everything = sorted((entry_of(place, author) for author, places in world.items() for place in places), reverse=True)
    merged = merge(known, limit)
    assert list(merged.entries) == [entry for entry in everything if entry > merged.floor]
    assert len(merged.entries) <= limit
    if merged.floor == LOWEST:
        assert list(merged.entries) == everything
