"""When sweepers check uploads: rarely enough to be cheap, often enough to make up for lost events.

Bytes can arrive only while a presigned URL works. So an unfinished upload is checked every minute while one does:
after its start and after each time new URLs are signed. Later checks are rare.
"""

from media_svc.model import Media, MediaState

MINUTE_MS = 60_000
# A signed PUT must begin within this time. It may take longer to finish.
URL_LIFETIME_SECONDS = 15 * 60
# Minutes after signing by which every URL to the upload's key has expired.
URLS_EXPIRED_AGE = 16
# Age at which an unfinished upload is given up: a day.
LAST_AGE = 24 * 60
# Ages in minutes at which an upload is checked. Close together at first, for interrupted work.
CHECK_AGES = (1, 2, 4, 8, URLS_EXPIRED_AGE, 60, 360, LAST_AGE)
# The same while URLs work.
AWAITING_AGES: tuple[int, ...] = (*range(1, URLS_EXPIRED_AGE), *CHECK_AGES[CHECK_AGES.index(URLS_EXPIRED_AGE) :])
# A medium that is still PROCESSING after this many minutes is announced to the workers again. A picture takes seconds.
STUCK_AGE = 10
# Minutes between checks of media that are still PROCESSING after the last scheduled check.
RECHECK_AGE = 60


def first_check(media: Media) -> int:
    """Return the minute of an upload's first check."""
    return media.created_ms // MINUTE_MS + 1


def next_check(media: Media, minute: int) -> int | None:
    """Return the minute of an upload's next check after `minute`, or None after the last.

    It depends only on the upload's id and state, so that all sweepers plan the same checks.
    """
    age = minute - media.created_ms // MINUTE_MS
    ages = AWAITING_AGES if media.state is MediaState.AWAITING_UPLOAD else CHECK_AGES
    following = next((each for each in ages if each > age), None)
    return None if following is None else minute - age + following


def checks_for_new_urls(now_ms: int) -> range:
    """Return the minutes at which to check an upload whose URLs are signed now."""
    minute = now_ms // MINUTE_MS
    return range(minute + 1, minute + URLS_EXPIRED_AGE + 1)


def url_seconds(media: Media, now_ms: int) -> int:
    """Return how long URLs signed now may work, so that none outlives its upload; 0 if it is too late."""
    left_ms = media.created_ms + LAST_AGE * MINUTE_MS - now_ms
    return max(0, min(URL_LIFETIME_SECONDS, left_ms // 1000))


def urls_expired_ms(media: Media) -> int:
    """Return when the last URL to a finished or rejected upload expires, in milliseconds since 1970.

    URLs are signed until an upload is finished.
    """
    return max(media.created_ms, media.uploaded_ms) + URLS_EXPIRED_AGE * MINUTE_MS


def checks_after_removal(now_ms: int) -> list[int]:
    """Return the minutes at which to check for leftovers of a medium removed now.

    Soon, in case it was not fully erased, and again once every URL has expired and every worker has finished.
    """
    return [now_ms // MINUTE_MS + age for age in (1, 2, URLS_EXPIRED_AGE, 60, LAST_AGE)]
