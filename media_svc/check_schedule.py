"""When an upload is looked at: rarely enough to cost little, often enough that a lost event is hardly noticed.

Bytes can only arrive while a URL for them works. So an unfinished upload is looked at each minute for as long as one does, after
its start and after each time that fresh ones were signed, and hardly ever after that.
"""

from media_svc.model import Media, MediaState

MINUTE_MS = 60_000
# How long a signed PUT may begin. One that has begun may take longer.
URL_LIFETIME_SECONDS = 15 * 60
# So many minutes after they were signed, URLs to the upload's key are valid for nobody any more.
URLS_GONE_AGE = 16
# How old an unfinished upload may get: a day.
LAST_AGE = 24 * 60
# Ages in minutes. Closer at first, for what was interrupted; then for the last time.
CHECK_AGES = (1, 2, 4, 8, URLS_GONE_AGE, 60, 360, LAST_AGE)
# While bytes may come.
AWAITING_AGES: tuple[int, ...] = (*range(1, URLS_GONE_AGE), *CHECK_AGES[CHECK_AGES.index(URLS_GONE_AGE) :])
# How long a medium may be in the workers' hands before they are told again, in minutes. A picture takes seconds.
STUCK_AGE = 10
# What is then still PROCESSING after the last check is looked at this often, in minutes.
RECHECK_AGE = 60


def first_check(media: Media) -> int:
    """Return the minute of an upload's first check. It has not begun, and nobody has looked at it yet."""
    return media.created_ms // MINUTE_MS + 1


def next_check(media: Media, minute: int) -> int | None:
    """Return the first minute after `minute` at which an upload is to be looked at, or None after the last.

    It follows from the upload's id and state alone, so that two sweepers plan the same.
    """
    age = minute - media.created_ms // MINUTE_MS
    ages = AWAITING_AGES if media.state is MediaState.AWAITING_UPLOAD else CHECK_AGES
    following = next((each for each in ages if each > age), None)
    return None if following is None else minute - age + following


def checks_of_fresh_urls(now_ms: int) -> range:
    """Return the minutes at which an upload is to be looked at for which URLs are signed now."""
    minute = now_ms // MINUTE_MS
    return range(minute + 1, minute + URLS_GONE_AGE + 1)


def url_seconds(media: Media, now_ms: int) -> int:
    """Return how long URLs that are signed now may work: none outlives its upload. 0 means that it is too late."""
    left_ms = media.created_ms + LAST_AGE * MINUTE_MS - now_ms
    return max(0, min(URL_LIFETIME_SECONDS, left_ms // 1000))


def urls_gone_ms(media: Media) -> int:
    """Return from when on nobody has a valid URL to a finished or rejected upload's key, in milliseconds since 1970.

    URLs are signed until an upload is finished.
    """
    return max(media.created_ms, media.uploaded_ms) + URLS_GONE_AGE * MINUTE_MS


def checks_of_removed(now_ms: int) -> list[int]:
    """Return the minutes at which to look whether anything is left of a medium that is removed now.

    Soon, in case it could not all be erased; and when whoever was still adding to it (a URL, a worker) is done for certain.
    """
    return [now_ms // MINUTE_MS + age for age in (1, 2, URLS_GONE_AGE, 60, LAST_AGE)]
