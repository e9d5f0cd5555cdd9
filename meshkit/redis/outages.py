"""What to do when Redis does not answer."""

from collections.abc import Iterator
from contextlib import contextmanager

import structlog
from redis.exceptions import RedisError

from meshkit.errors import UnavailableError

_log = structlog.get_logger()


@contextmanager
def redis_unavailable() -> Iterator[None]:
    """Turn errors of Redis in the block into UnavailableError."""
    try:
        yield
    except (RedisError, OSError) as error:
        raise UnavailableError from error


class RedisOutages:
    """Carries on without Redis, and logs each outage once."""

    def __init__(self, event: str) -> None:
        self._event = event
        self.is_away = False

    @contextmanager
    def tolerated(self) -> Iterator[None]:
        """Ignore errors of Redis in the block. The first of an outage is logged as the event."""
        try:
            yield
            self.is_away = False
        except (RedisError, OSError) as error:
            if not self.is_away:
                _log.warning(self._event, error=repr(error))
            self.is_away = True
