"""What `make faults` counts and prints."""

import math
from random import Random

import pytest

from docs.generate.table import table
from faults.load.settle import compared
from faults.promise import Control, Figure, Findings, Promise, percentile
from faults.promises import PROMISES
from faults.promises.changes_arrive import MORE_ROUNDS, ROUNDS
from faults.session import Session
from faults.table import control_row, promise_row
from faults.world.ledger import Known, Ledger, Post
from faults.world.plan import QUICK, SMALL, WHOLE, Size, planned_follows
from meshkit.crash_points import CRASH_POINTS


async def _run(session: Session) -> Findings:
    raise NotImplementedError


@pytest.mark.parametrize("size", [WHOLE, QUICK, SMALL])
def test_the_same_seed_gives_the_same_follows(size: Size) -> None:
    """Follows depend on the seed alone, nobody follows himself, and the mean is what was asked for."""
    pairs = planned_follows(size, 1)
    assert pairs == planned_follows(size, 1) != planned_follows(size, 2)
    assert len(set(pairs)) == len(pairs)
    assert all(follower != author < size.authors for follower, author in pairs)
    assert len(pairs) == pytest.approx(size.people * size.followees, rel=0.3)


def test_every_crash_point_is_in_the_quick_rounds() -> None:
    """No place is left out, and the long run has the quick one's, too."""
    assert {crash.place for crashes in ROUNDS for crash in crashes} == set(CRASH_POINTS)
    assert {crash for crashes in ROUNDS for crash in crashes} < {crash for crashes in MORE_ROUNDS for crash in crashes}


def test_a_feed_is_compared_with_the_ledger() -> None:
    """Acknowledged entries must be there, impossible ones must not, and unknown ones may be either."""
    ledger = Ledger(follows={(0, 1): True, (0, 2): False, (0, 3): None})
    for post in (
        Post(1, "acknowledged", Known.OK),
        Post(1, "failed", Known.FAILED),
        Post(1, "unknown", Known.UNKNOWN),
        Post(1, "deleted", Known.OK, deleted=Known.OK),
        Post(1, "perhaps deleted", Known.OK, deleted=Known.UNKNOWN),
        Post(2, "of an unfollowed author", Known.OK),
        Post(3, "of a perhaps followed author", Known.OK),
        Post(4, "of a stranger", Known.OK),
    ):
        ledger.posts[post.caption] = post
    right = ["acknowledged", "unknown", "perhaps deleted", "of a perhaps followed author"]
    Random(1).shuffle(right)
    assert not compared(ledger, 0, "ann", right).is_any
    assert not compared(ledger, 0, "ann", ["acknowledged"]).is_any
    wrong = compared(
        ledger, 0, "ann", ["unknown", "unknown", "failed", "deleted", "of an unfollowed author", "of a stranger"]
    )
    assert wrong.missing == {"acknowledged"}
    assert wrong.extra == {"failed", "deleted", "of an unfollowed author", "of a stranger"}
    assert wrong.doubled == {"unknown"}
    assert compared(ledger, 0, "ann", None).is_any


def test_a_promise_is_held_only_by_figures_that_were_measured() -> None:
    """A figure that is not known, one that never came, and a run without any figure break a promise."""
    assert Findings(1, [Figure("missing", 0, 0)]).is_held
    for value in (1, math.inf, percentile([], 0.99)):
        assert not Findings(1, [Figure("missing", 0, 0), Figure("latest", value, 0.5, " s")]).is_held
    assert not Findings(0, []).is_held
    assert percentile([3, 1, 2], 0.5) == 2
    assert percentile(range(1, 101), 0.99) == 99


def test_the_tables_say_what_is_broken() -> None:
    """A promise has all figures and goals in its row; a control only what it broke."""
    control = Control("the sweepers", _run)
    promise = Promise(1, "all arrive", "SIGKILL", _run, [control])
    held, broken = Findings(9, [Figure("missing", 0, 0)]), Findings(1, [Figure("missing", 3, 0), Figure("extra", 0, 0)])
    row = ("1", "all arrive", "SIGKILL", "9", "missing 0", "missing 0", "held")
    assert promise_row(promise, held) == row
    assert promise_row(promise, broken)[-1] == "BROKEN"
    assert control_row(promise, control, broken) == ("1", "the sweepers", "1", "missing 3", "BROKEN, as it must be")
    assert control_row(promise, control, held)[-1].startswith("HELD")
    assert control_row(promise, control, Findings(0, ()))[-1].startswith("FAILED")
    assert table(("#", "promise"), [("1", "all arrive")]).splitlines()[2] == "| 1 | all arrive |"


def test_every_promise_has_a_control() -> None:
    """A run that cannot fail proves nothing."""
    assert all(promise.controls for promise in PROMISES)
    assert sorted(each.number for each in PROMISES) == [each.number for each in PROMISES]
