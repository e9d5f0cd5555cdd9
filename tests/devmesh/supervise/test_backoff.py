"""Pauses between restarts."""

from devmesh.supervise.backoff import LONGEST_SECONDS, STEADY_SECONDS, Backoff


def test_pauses_double_up_to_a_bound() -> None:
    """A part that keeps failing does not keep the machine busy."""
    backoff = Backoff()
    assert [backoff.after(0) for _ in range(7)] == [0.5, 1, 2, 4, 8, LONGEST_SECONDS, LONGEST_SECONDS]


def test_a_part_that_ran_long_enough_starts_again_soon() -> None:
    """Failures of long ago do not count."""
    backoff = Backoff()
    for _ in range(5):
        backoff.after(0)
    assert [backoff.after(STEADY_SECONDS), backoff.after(0)] == [0.5, 1]
