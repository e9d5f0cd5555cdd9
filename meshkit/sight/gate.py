"""The gate between what a service has read and what a viewer may see of it."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import TypeVar

from meshkit.call import mark_gate_asked
from meshkit.errors import LensfeedError, NotFoundError
from meshkit.sight.errors import AccountPrivateError, UserBlockedError
from meshkit.sight.kinds import SightKind
from meshkit.sight.ports import Sights
from meshkit.sight.seen import Seen
from meshkit.telemetry.catalog import SIGHT_REFUSALS

T = TypeVar("T")
# Makes the error for what does not exist. What is hidden gets the same.
Hidden = Callable[[], NotFoundError]
Refusals = Mapping[SightKind, Callable[[], LensfeedError]]
# The kinds that show an account's profile in lists of others.
_LISTED = frozenset({SightKind.SEES, SightKind.PRIVATE})
# The most accounts of one question to follow_svc.
MAX_ACCOUNTS = 200


class Gate:
    """Lets a viewer see only what follow_svc allows. If follow_svc does not answer, nothing passes.

    The methods that are given a read run it beside the question to follow_svc and wait for both. So the time that an answer
    takes does not tell what is hidden from what does not exist.
    """

    def __init__(self, sights: Sights) -> None:
        self._sights = sights
        self._refusals = SIGHT_REFUSALS.create()

    async def kinds(self, viewer_id: int, owner_ids: Iterable[int]) -> Mapping[int, SightKind]:
        """Return what the viewer may see of each account. Viewers see themselves without a question."""
        mark_gate_asked()
        others = sorted(set(owner_ids) - {viewer_id})
        found = {viewer_id: SightKind.SEES}
        for start in range(0, len(others), MAX_ACCOUNTS):
            found.update(await self._sights.get_sights(viewer_id, others[start : start + MAX_ACCOUNTS]))
        return found

    async def profile(self, viewer_id: int, user_id: int, read: Awaitable[T | None], hidden: Hidden) -> Seen[T]:
        """Return an account's profile, which private and blocked accounts show, too. Raises the error that `hidden` makes."""
        kind, value = await asyncio.gather(self._kind(viewer_id, user_id), read)
        self._admit(kind, {SightKind.HIDDEN: hidden})
        return _found(value, hidden)

    async def show(self, viewer_id: int, owner_id: int, read: Awaitable[T | None], hidden: Hidden) -> Seen[T]:
        """Return something that an account owns. Raises UserBlockedError and the error that `hidden` makes."""
        kind, value = await asyncio.gather(self._kind(viewer_id, owner_id), read)
        self._admit(kind, {**_blocks(hidden), SightKind.PRIVATE: hidden})
        return _found(value, hidden)

    async def list_of(self, viewer_id: int, owner_id: int, read: Awaitable[Sequence[T]]) -> list[Seen[T]]:
        """Return a list of what an account owns. That of a hidden account is empty, as that of one that never existed.

        Raises UserBlockedError and AccountPrivateError.
        """
        kind, values = await asyncio.gather(self._kind(viewer_id, owner_id), read)
        if kind is SightKind.HIDDEN:
            self._count(kind)
            return []
        self._admit(kind, {SightKind.BLOCKING: UserBlockedError, SightKind.PRIVATE: AccountPrivateError})
        return [Seen(value) for value in values]

    async def meet(self, viewer_id: int, user_id: int, hidden: Hidden) -> SightKind:
        """Return what the viewer may see of an account that is not hidden. Raises the error that `hidden` makes."""
        kind = await self._kind(viewer_id, user_id)
        self._admit(kind, {SightKind.HIDDEN: hidden})
        return kind

    async def approach(self, viewer_id: int, user_id: int, hidden: Hidden) -> SightKind:
        """Return if neither account blocks the other. Raises UserBlockedError and the error that `hidden` makes."""
        kind = await self._kind(viewer_id, user_id)
        self._admit(kind, _blocks(hidden))
        return kind

    async def check(self, viewer_id: int, owner_id: int, hidden: Hidden) -> None:
        """Return if the viewer may see the account's lists. Raises AccountPrivateError, and as `approach`."""
        kind = await self._kind(viewer_id, owner_id)
        self._admit(kind, {**_blocks(hidden), SightKind.PRIVATE: AccountPrivateError})

    async def listed(self, viewer_id: int, values: Sequence[T], owner_of: Callable[[T], int]) -> list[Seen[T]]:
        """Return the values of accounts that a list of others may name, in order."""
        kinds = await self.kinds(viewer_id, map(owner_of, values))
        return [Seen(value) for value in values if kinds.get(owner_of(value)) in _LISTED]

    def own(self, values: Iterable[T]) -> list[Seen[T]]:
        """Return what the viewer owns or has made: their own profile, posts, media, blocks and mutes."""
        return [Seen(value) for value in values]

    async def _kind(self, viewer_id: int, user_id: int) -> SightKind:
        return (await self.kinds(viewer_id, [user_id])).get(user_id, SightKind.HIDDEN)

    def _admit(self, kind: SightKind, refusals: Refusals) -> None:
        """Raise the error for a kind, if there is one."""
        if refusal := refusals.get(kind):
            self._count(kind)
            raise refusal()

    def _count(self, kind: SightKind) -> None:
        self._refusals.add(1, {"sight": kind.name.lower()})


def of_caller(value: T) -> Seen[T]:
    """Return what the caller of a method owns or has made, which the method's contract says: `shows` is OWN."""
    return Seen(value)


def for_service(value: T) -> Seen[T]:
    """Return what another service asks for. That service asks its own gate before it shows it."""
    return Seen(value)


def _blocks(hidden: Hidden) -> Refusals:
    return {SightKind.HIDDEN: hidden, SightKind.BLOCKING: UserBlockedError}


def _found(value: T | None, hidden: Hidden) -> Seen[T]:
    if value is None:
        raise hidden()
    return Seen(value)
