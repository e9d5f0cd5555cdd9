"""When an upload is looked at: rarely enough to cost nothing, often enough that a lost event is hardly noticed."""

from media_svc.model import Media

MINUTE_MS = 60_000
# How long a signed PUT may begin. One that has begun may take longer.
URL_LIFETIME_SECONDS = 15 * 60
# From this age in minutes on, nobody has a valid URL to the upload's key any more.
URLS_GONE_AGE = 16
# How old an unfinished upload may get: a day.
LAST_AGE = 24 * 60
# Ages in minutes. Closer at first, while the client is there; then for what was interrupted; then for the last time.
CHECK_AGES = (1, 2, 4, 8, URLS_GONE_AGE, 60, 360, LAST_AGE)
# How long a medium may be in the workers' hands before they are told again, in minutes. A picture takes seconds.
STUCK_AGE = 10
# What is then still PROCESSING after the last check is looked at this often, in minutes.
RECHECK_AGE = 60


def age_at(media: Media, minute: int) -> int:
    """Return how many minutes before `minute` (since 1970) an upload began."""
    return minute - media.created_ms // MINUTE_MS


def next_check(media: Media, minute: int) -> int | None:
    """Return the first minute after `minute` at which an upload is to be looked at, or None after the last.

    It follows from the upload's id alone, so that two sweepers plan the same.
    """
    age = age_at(media, minute)
    following = next((each for each in CHECK_AGES if each > age), None)
    return None if following is None else minute - age + following
