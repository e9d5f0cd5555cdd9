"""The settings of rate limits."""

from pydantic import field_validator
from throttled.exceptions import BaseThrottledError
from throttled.rate_limiter.base import Quota
from throttled.rate_limiter.quota_parser import parse

from meshkit.settings import Settings


def quota_of(text: str) -> Quota | None:
    """Parse a quota such as `20/s burst 600`; None for an empty text. Raises ValueError."""
    if not text.strip():
        return None
    try:
        quotas = parse(text)
    except BaseThrottledError:
        quotas = []
    if len(quotas) != 1:
        raise ValueError(f"{text!r} is not a rate limit; use the form '20/s burst 600', or an empty text for no limit")
    return quotas[0]


class RateSettings(Settings):
    """Rate limits in points: a read costs 1 (GetMedia 2), a change 3, a sign-up or log-in 10."""

    edge_limit_user: str = "20/s burst 600"
    """The points of one user: `20/s burst 600` is 600 at once and 20 more each second. Empty: no limit."""
    edge_limit_address: str = "100/s burst 3000"
    """The points of one address (IPv6: one /64), which many users may share. Empty: no limit."""
    edge_limit_log_in: str = "5/s burst 300"
    """The points of one address for sign-ups and log-ins, in addition. Empty: no limit."""

    @field_validator("edge_limit_user", "edge_limit_address", "edge_limit_log_in")
    @classmethod
    def _is_quota(cls, text: str) -> str:
        quota_of(text)
        return text
