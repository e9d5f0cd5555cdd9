"""Limits on failed log-ins, by account and by network, that no stranger can use to lock an owner out."""

from collections.abc import Sequence
from dataclasses import dataclass

import structlog

from meshkit.errors import ResourceExhaustedError, UnavailableError
from user_svc.model import Account
from user_svc.ports import FailureCounts
from user_svc.store import UserStore

WINDOW_SECONDS = 60 * 60
_UNUSED_ID = 0
_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class GuessLimits:
    """How many log-ins may fail in an hour. 0 means no limit."""

    handle: int
    """Of one handle from all networks where it has no session, and from each network where it has one."""
    network: int
    """From one network (/24 or /48), whatever the handle."""


class Guesses:
    """Counts log-ins as failed until they succeed, so that calls at the same moment cannot pass together.

    A network where the account has a session counts for itself: strangers elsewhere cannot use up its tries.
    """

    def __init__(self, store: UserStore, counts: FailureCounts, limits: GuessLimits) -> None:
        self._store = store
        self._counts = counts
        self._limits = limits

    async def begin(self, handle: str, account: Account | None, network: str) -> Sequence[str]:
        """Count a log-in. Returns the names it was counted under, for `succeed`.

        Raises ResourceExhaustedError (RATE_LIMITED) if too many have failed.
        """
        limits = await self._limits_of(handle, account, network)
        try:
            for key, limit in limits.items():
                if await self._counts.add(key, WINDOW_SECONDS) > limit:
                    raise ResourceExhaustedError(
                        "RATE_LIMITED", "too many failed log-ins; try again later", retry_after=WINDOW_SECONDS
                    )
        except UnavailableError as error:  # people must be able to log in; the edge still limits addresses
            _log.warning("guesses_not_counted", error=error.message)
        return list(limits)

    async def succeed(self, counted: Sequence[str]) -> None:
        """Take back the count of a log-in that succeeded."""
        try:
            for key in counted:
                await self._counts.take_back(key)
        except UnavailableError as error:
            _log.warning("guesses_not_counted", error=error.message)

    async def _limits_of(self, handle: str, account: Account | None, network: str) -> dict[str, int]:
        # Looked up for unknown handles, too, so that both take the same time.
        sessions = await self._store.list_sessions(_UNUSED_ID if account is None else account.user.user_id)
        is_known = bool(network) and any(session.network == network for session in sessions)
        of_handle = f"{handle.lower()}@{network}" if is_known else handle.lower()
        keys = {
            f"handle:{of_handle}": self._limits.handle,
            f"network:{network}": self._limits.network if network else 0,
        }
        return {key: limit for key, limit in keys.items() if limit}
