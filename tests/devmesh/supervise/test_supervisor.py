"""The supervisor, with small real processes."""

import asyncio
import os
import re
import signal
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path

import pytest
import pytest_asyncio

from devmesh.errors import MeshError
from devmesh.supervise.part import Part
from devmesh.supervise.readiness import until
from devmesh.supervise.reporter import State
from devmesh.supervise.supervisor import START_TRIES, SupervisedPart, Supervisor
from tests.devmesh.supervise.watching import Recorder, is_running, pids_of, small_part

pytestmark = pytest.mark.slow

Supervise = Callable[..., Supervisor]


@pytest.fixture
def recorder() -> Recorder:
    """Return a reporter that records everything."""
    return Recorder()


@pytest_asyncio.fixture
async def supervise(recorder: Recorder) -> AsyncIterator[Supervise]:
    """Return a function that supervises groups of parts. All parts are stopped after the test."""
    supervisors = []

    def make(*groups: list[Part]) -> Supervisor:
        supervisors.append(Supervisor(groups, recorder))
        supervisors[-1].start(part for group in groups for part in group)
        return supervisors[-1]

    yield make
    for supervisor in supervisors:
        supervisor.kill()
        await supervisor.stop()


async def test_a_part_is_ready_once_it_answers_and_gone_once_stopped(
    tmp_path: Path, supervise: Supervise, recorder: Recorder
) -> None:
    """States are reported in order, and no process is left."""
    part = small_part(tmp_path, "serve")
    supervisor = supervise([part])
    async with asyncio.timeout(20):
        await supervisor.ready([part])
    assert len(pids_of(part)) == 1
    await supervisor.stop()
    assert pids_of(part) == []
    states = [state for _, state in recorder.states]
    assert states == [State.STARTING, State.READY, State.STOPPING, State.STOPPED]


async def test_a_part_can_be_started_again(tmp_path: Path, recorder: Recorder) -> None:
    """A stopped part has no process until it is started again."""
    part = small_part(tmp_path, "serve")
    supervised = SupervisedPart(part, recorder)
    assert supervised.pid is None
    for _ in range(2):
        supervised.start()
        async with asyncio.timeout(20):
            await supervised.ready()
            await until(part.check)
        assert [supervised.pid] == pids_of(part)
        await supervised.stop()
        assert supervised.pid is None


async def test_a_part_that_dies_is_restarted(tmp_path: Path, supervise: Supervise, recorder: Recorder) -> None:
    """A part that dies is reported with its last log lines and restarted."""
    part = small_part(tmp_path, "serve")
    supervisor = supervise([part])
    async with asyncio.timeout(30):
        await supervisor.ready([part])
        [first] = pids_of(part)
        os.kill(first, signal.SIGKILL)
        assert await recorder.deaths.get() == ("small was killed by SIGKILL", "behaviour: serve")
        while recorder.states.count(("small", State.READY)) < 2:  # noqa: ASYNC110 - the recorder has no event for it
            await asyncio.sleep(0.05)
    [second] = pids_of(part)
    assert second != first


async def test_a_part_that_dies_while_it_is_set_up_is_restarted(
    tmp_path: Path, supervise: Supervise, recorder: Recorder
) -> None:
    """The supervisor does not wait for the set-up of a process that is gone."""
    begun, rest = asyncio.Queue[None](), [asyncio.Event()]

    async def set_up() -> None:
        begun.put_nowait(None)
        if rest:
            await rest.pop().wait()

    part = replace(small_part(tmp_path, "serve"), set_up=set_up)
    supervisor = supervise([part])
    async with asyncio.timeout(30):
        await begun.get()
        [first] = pids_of(part)
        os.kill(first, signal.SIGKILL)
        assert (await recorder.deaths.get())[0] == "small was killed by SIGKILL"
        await supervisor.ready([part])
    [second] = pids_of(part)
    assert second != first


async def test_a_part_that_cannot_start_is_given_up(tmp_path: Path, supervise: Supervise, recorder: Recorder) -> None:
    """After three failed starts, waiting fails with the end of the part's log."""
    part = small_part(tmp_path, "break")
    async with asyncio.timeout(30):
        with pytest.raises(MeshError, match="small exited with code 3\nbehaviour: break"):
            await supervise([part]).ready([part])
    assert recorder.states.count(("small", State.STARTING)) == START_TRIES


async def test_a_program_that_does_not_exist_is_named(tmp_path: Path, supervise: Supervise) -> None:
    """A missing program is named in the error."""
    part = small_part(tmp_path, "serve")
    command = part.command.__class__(("/no/such/server",), part.command.env, tmp_path, part.command.log)
    missing = part.__class__("missing", command, part.check, part.address)
    async with asyncio.timeout(30):
        with pytest.raises(MeshError, match="cannot run /no/such/server: No such file or directory"):
            await supervise([missing]).ready([missing])


async def test_a_part_that_ignores_sigterm_is_killed(tmp_path: Path, supervise: Supervise) -> None:
    """After the grace period the part and its children are killed."""
    part = small_part(tmp_path, "stubborn", grace=0.2)
    supervisor = supervise([part])
    async with asyncio.timeout(20):
        await supervisor.ready([part])
        child = int(re.findall(r"child (\d+)", part.command.log.read_text())[0])
        assert is_running(child)
        await supervisor.stop()
        while is_running(child):  # noqa: ASYNC110 - the kernel kills it a moment later
            await asyncio.sleep(0.05)
    assert pids_of(part) == []


async def test_groups_stop_in_reverse_order(tmp_path: Path, supervise: Supervise) -> None:
    """A group stops only after the groups that depend on it."""
    groups = [[small_part(tmp_path, "note", name)] for name in ("store", "service", "edge")]
    supervisor = supervise(*groups)
    async with asyncio.timeout(30):
        await supervisor.ready(part for group in groups for part in group)
        await supervisor.stop()
    assert (tmp_path / "notes").read_text().split() == ["edge", "service", "store"]


async def test_stopping_does_not_wait_for_a_part_to_become_ready(tmp_path: Path, supervise: Supervise) -> None:
    """A part that never became ready can be stopped."""
    part = small_part(tmp_path, "silent")
    supervisor = supervise([part])
    async with asyncio.timeout(20):
        while not pids_of(part):  # noqa: ASYNC110 - the process table has no event for it
            await asyncio.sleep(0.05)
        await supervisor.stop()
    assert pids_of(part) == []


async def test_kill_cuts_a_long_stop_short(tmp_path: Path, supervise: Supervise, recorder: Recorder) -> None:
    """`kill` ends a waiting `stop` at once and restarts nothing."""
    store, part = small_part(tmp_path, "serve", "store"), small_part(tmp_path, "stubborn", grace=600)
    supervisor = supervise([store], [part])
    async with asyncio.timeout(20):
        await supervisor.ready([store, part])
        stopping = asyncio.ensure_future(supervisor.stop())
        await asyncio.sleep(0.1)
        assert not stopping.done()
        supervisor.kill()
        await stopping
    assert pids_of(part) == pids_of(store) == []
    assert recorder.deaths.empty()
