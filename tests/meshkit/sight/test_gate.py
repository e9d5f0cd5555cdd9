"""The gate, over a table of who sees whom."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

import pytest

from meshkit.call import CURRENT, Call, Effects, is_gate_asked
from meshkit.errors import LensfeedError, NotFoundError, UnavailableError
from meshkit.sight import Gate, Seen, SightKind
from meshkit.sight.gate import MAX_ACCOUNTS

VIEWER, SEEN, PRIVATE, BLOCKED, HIDDEN = range(1, 6)
KINDS = {
    SEEN: SightKind.SEES,
    PRIVATE: SightKind.PRIVATE,
    BLOCKED: SightKind.BLOCKING,
    HIDDEN: SightKind.HIDDEN,
}
# An account that the answer leaves out.
LEFT_OUT = 6
Act = Callable[[Gate, int], Awaitable[Any]]


class Table:
    """The sights of one viewer, and the questions that were asked."""

    def __init__(self, *, is_away: bool = False) -> None:
        self.asked: list[Sequence[int]] = []
        self._is_away = is_away

    async def get_sights(self, _viewer_id: int, user_ids: Sequence[int]) -> Mapping[int, SightKind]:
        """Answer from the table. Accounts that are not in it are seen."""
        if self._is_away:
            raise UnavailableError
        self.asked.append(user_ids)
        return {each: KINDS.get(each, SightKind.SEES) for each in user_ids if each != LEFT_OUT}


def missing() -> NotFoundError:
    """Return the error for what does not exist."""
    return NotFoundError("THING_NOT_FOUND", "there is no such thing")


async def _value(value: Any = "a thing") -> Any:
    return value


ACTS: dict[str, Act] = {
    "profile": lambda gate, owner: gate.profile(VIEWER, owner, _value(), missing),
    "show": lambda gate, owner: gate.show(VIEWER, owner, _value(), missing),
    "list_of": lambda gate, owner: gate.list_of(VIEWER, owner, _value(["a", "b"])),
    "meet": lambda gate, owner: gate.meet(VIEWER, owner, missing),
    "approach": lambda gate, owner: gate.approach(VIEWER, owner, missing),
    "check": lambda gate, owner: gate.check(VIEWER, owner, missing),
}
GONE, BLOCKS, CLOSED = "THING_NOT_FOUND", "USER_BLOCKED", "ACCOUNT_PRIVATE"
THING, THINGS, EMPTY = Seen("a thing"), [Seen("a"), Seen("b")], list[Seen[str]]()
OUTCOMES: Mapping[str, Mapping[int, Any]] = {
    "profile": {VIEWER: THING, SEEN: THING, PRIVATE: THING, BLOCKED: THING, HIDDEN: GONE},
    "show": {VIEWER: THING, SEEN: THING, PRIVATE: GONE, BLOCKED: BLOCKS, HIDDEN: GONE},
    "list_of": {VIEWER: THINGS, SEEN: THINGS, PRIVATE: CLOSED, BLOCKED: BLOCKS, HIDDEN: EMPTY},
    "meet": {VIEWER: SightKind.SEES, **KINDS, HIDDEN: GONE},
    "approach": {VIEWER: SightKind.SEES, **KINDS, BLOCKED: BLOCKS, HIDDEN: GONE},
    "check": {VIEWER: None, SEEN: None, PRIVATE: CLOSED, BLOCKED: BLOCKS, HIDDEN: GONE},
}


async def outcome(call: Awaitable[Any]) -> Any:
    """Return what a call returns, or the reason of its error."""
    try:
        return await call
    except LensfeedError as error:
        return error.reason


@pytest.mark.parametrize("act", ACTS)
async def test_each_act_passes_what_the_viewer_may_see(act: str) -> None:
    """Each method returns or refuses by what the viewer may see of the owner. An account left out of the answer is hidden."""
    owners = OUTCOMES[act]
    found = {owner: await outcome(ACTS[act](Gate(Table()), owner)) for owner in owners}
    assert found == owners
    assert await outcome(ACTS[act](Gate(Table()), LEFT_OUT)) == owners[HIDDEN]


@pytest.mark.parametrize("act", ACTS)
async def test_nothing_passes_while_nobody_decides(act: str) -> None:
    """Without follow_svc everything of others is UNAVAILABLE, and the viewer's own passes without a question."""
    gate = Gate(Table(is_away=True))
    assert await outcome(ACTS[act](gate, SEEN)) == "UNAVAILABLE"
    assert await outcome(ACTS[act](gate, VIEWER)) == OUTCOMES[act][VIEWER]


async def test_what_does_not_exist_is_refused_as_what_is_hidden() -> None:
    """A missing value has the error of a hidden one; the viewer's own block is said first."""
    gate = Gate(Table())
    assert await outcome(gate.profile(VIEWER, SEEN, _value(None), missing)) == GONE
    assert await outcome(gate.show(VIEWER, SEEN, _value(None), missing)) == GONE
    assert await outcome(gate.show(VIEWER, BLOCKED, _value(None), missing)) == BLOCKS


@pytest.mark.parametrize("owner", [SEEN, HIDDEN])
async def test_a_refusal_takes_as_long_as_the_read(owner: int) -> None:
    """The gate answers only when the read has ended, so that its time does not tell what is hidden."""
    ended = asyncio.Event()

    async def read() -> str:
        await ended.wait()
        return "a thing"

    answer = asyncio.ensure_future(outcome(Gate(Table()).show(VIEWER, owner, read(), missing)))
    for _ in range(10):
        await asyncio.sleep(0)
    assert not answer.done()
    ended.set()
    assert await answer == OUTCOMES["show"][owner]


async def test_lists_of_others_leave_out_blocked_and_hidden_accounts() -> None:
    """The order stays. Private accounts are listed, as their profiles are visible."""
    owners = [HIDDEN, SEEN, BLOCKED, VIEWER, PRIVATE, LEFT_OUT]
    listed = await Gate(Table()).listed(VIEWER, owners, lambda owner: owner)
    assert [each.value for each in listed] == [SEEN, VIEWER, PRIVATE]


async def test_long_lists_are_asked_in_parts() -> None:
    """One question has at most 200 accounts, each once, without the viewer."""
    table = Table()
    many = range(10, 10 + MAX_ACCOUNTS + 1)
    kinds = await Gate(table).kinds(VIEWER, [VIEWER, *many, *many])
    assert set(kinds) == {VIEWER, *many}
    assert [len(asked) for asked in table.asked] == [MAX_ACCOUNTS, 1]


@pytest.mark.parametrize("act", ACTS)
async def test_every_act_is_noted_in_the_call(act: str) -> None:
    """Whatever a method asks the gate, its call has asked, even if no question to follow_svc was needed."""
    token = CURRENT.set(Call("a request", user_id=VIEWER, effects=Effects()))
    try:
        assert not is_gate_asked()
        await ACTS[act](Gate(Table()), VIEWER)
        assert is_gate_asked()
    finally:
        CURRENT.reset(token)
