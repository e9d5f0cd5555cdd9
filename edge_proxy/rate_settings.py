"""How often apps may call."""

from typing import Annotated

from pydantic import BeforeValidator
from throttled.exceptions import BaseThrottledError
from throttled.rate_limiter.base import Quota
from throttled.rate_limiter.quota_parser import parse

from meshkit.settings import Settings


def _read_quota(value: object) -> object:
    """Read `20/s burst 600`, or nothing for no limit."""
    if not isinstance(value, str):
        return value
    if not value.strip():
        return None
    try:
        quotas = parse(value)
    except BaseThrottledError:
        quotas = []
    if len(quotas) != 1:
        raise ValueError(f"{value!r} is no limit: it looks like '20/s burst 600', and is empty for none")
    return quotas[0]


QuotaSetting = Annotated[Quota | None, BeforeValidator(_read_quota)]


class RateSettings(Settings):
    """What a user or an address may call, in points: a read costs 1, a change 3, a sign-up or a log-in 10.

    `20/s burst 600`: 600 points at once, and 20 more with each second. Empty: no limit.
    """

    edge_limit_user: QuotaSetting = _read_quota("20/s burst 600")  # type: ignore[assignment]  # pydantic does not look into it
    """Of one user, over all of their sessions."""
    edge_limit_address: QuotaSetting = _read_quota("100/s burst 3000")  # type: ignore[assignment]  # the same
    """Of one address (IPv6: one /64), which many users may share."""
    edge_limit_log_in: QuotaSetting = _read_quota("5/s burst 300")  # type: ignore[assignment]  # the same
    """Of sign-ups and log-ins of one address, beside the limit of all of its calls."""
