"""Pauses before restarts."""

from devmesh.supervise.backoff import LONGEST_SECONDS, STEADY_SECONDS, Backoff


def test_pauses_double_up_to_a_bound() -> None:
    """Pauses double with each failure, up to a limit."""
    backoff = Backoff()
    assert [backoff.after(0) for _ in range(7)] == [0.5, 1, 2, 4, 8, LONGEST_SECONDS, LONGEST_SECONDS]


def test_a_part_that_ran_long_enough_starts_again_soon() -> None:
    """After a long run the pause is reset."""
    backoff = Backoff()
    for _ in range(5):
        backoff.after(0)
    assert [backoff.after(STEADY_SECONDS), backoff.after(0)] == [0.5, 1]
