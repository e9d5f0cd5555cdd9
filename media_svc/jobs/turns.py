"""The Lua scripts of a job queue, where owners take turns. Each runs as one step, on keys of one slot.

An owner's *turn* is a number that grows by the cost of each job taken for them. The owner with the lowest turn is next, so all
owners who wait get the same cost done, however many jobs they have. The queue's *clock* is the highest turn that was taken. An
owner who begins to wait starts there, not behind it: being away earns nothing. A job's cost is an estimate until it is done; then
its owner's turn is corrected.

    :jobs     hash    each medium's job as JSON: its owner and place, and how it was taken
    :waiting  sorted  `OWNER:NUMBER:MEDIUM`, which sorts an owner's jobs by age
    :turns    sorted  the owners of waiting jobs, by their turn
    :debts    sorted  the turns of other owners who were served lately
    :leases   sorted  the media of taken jobs, by the time their lease expires
    :state    hash    the clock, and the last job's number
    :bell     list    wakes a worker that waits for a job
"""

from pathlib import Path

KEYS = ("jobs", "waiting", "turns", "debts", "leases", "state", "bell")
_LUA = Path(__file__).parent / "lua"


def _script(name: str) -> str:
    return (_LUA / "common.lua").read_text() + (_LUA / f"{name}.lua").read_text()


ADD, TAKE, RENEW, PUT_BACK, FINISH = map(_script, ("add", "take", "renew", "put_back", "finish"))
