"""Merging runs is exact and lazy."""

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from feed_svc.model import END, LOWEST, Entry, Run, Window, entry_of, part_of, run_of
from feed_svc.reading.lazy_merge import MOST, newest, read_size

AUTHORS = st.integers(1, 6)
worlds = st.dictionaries(AUTHORS, st.sets(st.integers(1, 60), max_size=25), max_size=6)


def everything_of(author: int, places: set[int]) -> list[Entry]:
    """Return an author's entries, newest first."""
    return sorted((entry_of(place, author) for place in places), reverse=True)


class Reader:
    """Reads on in a world, few entries at a time, and counts them."""

    def __init__(self, world: dict[int, set[int]]) -> None:
        self.known = {author: everything_of(author, places) for author, places in world.items()}
        self.reads: dict[int, int] = dict.fromkeys(world, 0)

    def run(self, author: int, below: bytes | None, count: int) -> Run:
        """Return the entries below a bound."""
        rest = [entry for entry in self.known[author] if below is None or entry < below]
        return Run(author, rest[:count], rest[count - 1] if len(rest) > count else END)

    async def deepen(self, undecided: Sequence[Run], times: int) -> list[Run]:
        """Read on."""
        for run in undecided:
            self.reads[run.author_id] += 1
        more = [self.run(run.author_id, run.bound, 1 + times) for run in undecided]
        return [*(run.without_rest() for run in undecided), *more]


@given(worlds, st.dictionaries(AUTHORS, st.integers(1, 8)), st.integers(1, 40))
async def test_a_lazy_merge_is_the_newest_of_all(
    world: dict[int, set[int]], known: dict[int, int], wanted: int
) -> None:
    """A lazy merge is exact, whatever was known of each author at first and however many entries are wanted."""
    reader = Reader(world)
    runs = [reader.run(author, None, known.get(author, 1)) for author in world]
    everything = sorted((entry for entries in reader.known.values() for entry in entries), reverse=True)
    assert await newest(runs, wanted, reader.deepen) == everything[:wanted]


async def test_only_authors_who_matter_are_read_further() -> None:
    """If one author posts all the time, little is read of the others."""
    reader = Reader({1: set(range(100, 200)), **{author: {10, 20, 30} for author in range(2, 50)}})
    runs = [reader.run(author, None, 2) for author in range(1, 50)]
    assert await newest(runs, 40, reader.deepen) == everything_of(1, set(range(160, 200)))
    assert {author for author, reads in reader.reads.items() if reads} == {1}


async def test_an_entry_in_two_runs_appears_once() -> None:
    """A post may be both pushed and pulled."""
    both = everything_of(1, {3, 4, 5})
    runs = [Run(7, both, END), Run(1, both[1:], END), Run(2, everything_of(2, {4}), END)]
    assert await newest(runs, 10, Reader({}).deepen) == sorted([*both, entry_of(4, 2)], reverse=True)


@given(st.sets(st.integers(2, 60)), st.integers(0, 60), st.none() | st.integers(1, 60), st.integers(1, 30))
def test_a_part_of_a_run_has_a_correct_bound(places: set[int], floor: int, below: int | None, limit: int) -> None:
    """Nothing between the beginning of a part and its bound is missing, and the part is not too long."""
    everything = everything_of(3, places)
    bottom = entry_of(floor, 3) if floor else LOWEST
    whole = run_of(3, Window([entry for entry in everything if entry > bottom], bottom), None, 100)
    top = None if below is None else entry_of(below, 3)
    part = part_of(whole, top, limit)
    expected = [entry for entry in everything if (top is None or entry < top) and entry >= part.bound]
    assert part.entries == expected
    assert len(part.entries) <= limit
    assert part.bound == END or top is None or part.bound <= top
    if len(part.entries) < limit and not floor:
        assert part.bound == END


def test_read_sizes_depend_on_the_number_of_authors() -> None:
    """Few authors are read deeply, many only a little; undecided ones are read further in growing steps."""
    assert [read_size(21, count, 0) for count in (0, 1, 2, 10, 7_500)] == [44, 44, 23, 6, 2]
    assert [read_size(21, 7_500, times) for times in range(6)] == [2, 8, 32, 128, MOST, MOST]
