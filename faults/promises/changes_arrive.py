"""Promise 1: an acknowledged post, follow, unfollow or delete reaches every feed, wherever a process dies."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass

from faults.load.load import load
from faults.load.settle import Settled, settle
from faults.mesh.fault_mesh import FaultMesh
from faults.mesh.without import without_redelivery, without_sweepers
from faults.promise import Control, Figure, Findings, Promise, percentile
from faults.promises.feed_figures import PATIENCE_SECONDS, feed_figures
from faults.session import Session
from faults.world.plan import SMALL
from faults.world.world import World

CONTROL_PATIENCE_SECONDS = 60.0
"""Twice the time after which an event is delivered again that met a part which was down. What took longer is never made good."""
OUTAGE_SECONDS = 2.0
CALM_P99_SECONDS = 2.0


async def _nothing(_: FaultMesh) -> None:
    """Do nothing."""


async def _valkey_away(mesh: FaultMesh) -> None:
    """Stop Valkey for a moment, so that the sweepers have something to add."""
    await mesh.stop("valkey")
    await asyncio.sleep(OUTAGE_SECONDS)
    await mesh.start("valkey")


@dataclass(frozen=True, slots=True)
class Crash:
    """Where a part kills itself, and what is done to make it come there."""

    part: str
    place: str
    count: int
    help_it: Callable[[FaultMesh], Awaitable[None]] = _nothing


# What crashes at once. An event that meets a part which is down comes again half a minute later, so rounds are worth sharing.
Round = Sequence[Crash]
ROUNDS: Sequence[Round] = (
    (Crash("post-serve", "outbox.committed", 4), Crash("feed-work", "event.taken", 10)),
    (Crash("post-serve", "outbox.sent", 4), Crash("feed-work", "event.handled", 10)),
    (Crash("post-serve", "outbox.swept", 3, _valkey_away), Crash("feed-work", "fan_out.pushed", 4)),
    (Crash("feed-work", "fan_out.queued", 4),),
    (Crash("feed-work", "unfollow.noted", 2),),
    (Crash("feed-work", "delete.hidden", 2),),
)
MORE_ROUNDS: Sequence[Round] = (
    *((crash,) for crashes in ROUNDS for crash in crashes),
    (Crash("follow-serve", "outbox.committed", 4), Crash("media-work", "event.taken", 4)),
    (Crash("follow-serve", "outbox.sent", 4), Crash("media-work", "event.handled", 4)),
    (Crash("follow-serve", "outbox.swept", 3, _valkey_away),),
    (Crash("follow-serve", "event.taken", 4),),
    (Crash("follow-serve", "event.handled", 4),),
)


@dataclass(frozen=True, slots=True)
class Survived:
    """What a round of crashes did."""

    silent: Sequence[str]
    """The places that were never reached."""
    seconds: Sequence[float]
    settled: Settled


async def run(session: Session) -> Findings:
    """Crash at each place under load, and compare all feeds with the ledger after each round."""
    rounds = ROUNDS if session.is_quick else MORE_ROUNDS
    async with session.mesh() as mesh, session.world(mesh) as world:
        async with load(world) as calm:
            await asyncio.sleep(session.load_seconds)
        print(f"  calm: {len(calm.probes.seconds)} changes timed, {calm.reads.ok} reads, {calm.reads.failed} failed")
        survived = [await crash_under_load(mesh, world, crashes, session.load_seconds) for crashes in rounds]
        figures = (
            *_figures_of(survived),
            Figure("p99 without faults", percentile(calm.probes.seconds, 0.99), CALM_P99_SECONDS, " s"),
            Figure("places not reached", sum(len(each.silent) for each in survived), 0),
        )
        print(f"  {world.ledger.acknowledged} changes acknowledged: {dict(world.ledger.counts)}")
        print(f"  not acknowledged: {dict(world.ledger.reasons)}")
        return Findings(sum(map(len, rounds)), figures)


async def crash_under_load(
    mesh: FaultMesh, world: World, crashes: Round, seconds: float, patience: float = PATIENCE_SECONDS
) -> Survived:
    """Run the load with parts that kill themselves, then let them live, and wait until all feeds are right."""
    since = time.monotonic()
    await asyncio.gather(*(mesh.arm(crash.part, f"{crash.place}:{crash.count}") for crash in crashes))
    async with load(world, patience) as current:
        for crash in crashes:
            await crash.help_it(mesh)
        await asyncio.sleep(seconds)
        deaths = {crash: mesh.deaths.count(crash.part, since) for crash in crashes}
        await asyncio.gather(*(mesh.disarm(crash.part) for crash in crashes))
    await mesh.answers()
    settled = await settle(world, patience)
    for crash, count in deaths.items():
        print(f"  {crash.part} died {count} times at {crash.place}")
    late = max((*current.probes.seconds, settled.seconds))
    print(f"    latest {late:.1f} s, missing {settled.missing}, not gone {settled.extra}", flush=True)
    for each in settled.differences[:3]:
        print(f"    {each}")
    return Survived([crash.place for crash, count in deaths.items() if not count], current.probes.seconds, settled)


def _figures_of(survived: Sequence[Survived]) -> Sequence[Figure]:
    return feed_figures([each.settled for each in survived], [second for each in survived for second in each.seconds])


def _control(
    crash: Crash, without: Callable[[FaultMesh], AbstractAsyncContextManager[None]]
) -> Callable[[Session], Awaitable[Findings]]:
    async def run_without(session: Session) -> Findings:
        async with session.mesh() as mesh, session.world(mesh, SMALL) as world, without(mesh):
            survived = await crash_under_load(mesh, world, [crash], session.load_seconds, CONTROL_PATIENCE_SECONDS)
            return Findings(1, _figures_of([survived]))

    return run_without


PROMISE = Promise(
    number=1,
    text="an acknowledged post, follow, unfollow or delete reaches every feed",
    faults="SIGKILL at each crash point",
    run=run,
    controls=(
        Control("the sweepers", _control(Crash("post-serve", "outbox.committed", 4), without_sweepers)),
        # It dies at its second event, so that much is in hand each time.
        Control(
            "redelivery of what a dead worker had", _control(Crash("feed-work", "event.taken", 2), without_redelivery)
        ),
    ),
)
