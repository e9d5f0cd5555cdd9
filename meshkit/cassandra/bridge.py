"""The bridge from the driver's IO thread to asyncio.

The driver's callbacks only hand over results; everything else happens in the event loop. Results that arrive before the loop
wakes up are handed over together, because waking it costs a system call.
"""

import asyncio
import contextlib
import itertools
import random
import time
from collections import deque
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import structlog
from cassandra.cluster import Cluster
from cassandra.query import BatchStatement, BatchType

from meshkit.call import current_call, mark_begun
from meshkit.cassandra.cluster import consistency_of, make_cluster
from meshkit.cassandra.failures import WRITES, HalfLoggedError, translated, unknown_writes
from meshkit.cassandra.migrations import MigrationError, migrate
from meshkit.cassandra.preparing import Preparing
from meshkit.cassandra.statements import Kind, Statement, Step, read
from meshkit.cassandra.write_times import written_at
from meshkit.cassandra_settings import CassandraSettings
from meshkit.clocks import ClockOffset, local_ms
from meshkit.errors import DeadlineExceededError, LensfeedError, UnavailableError, UnknownOutcomeError
from meshkit.telemetry.catalog import BATCHES_HALF_LOGGED, STATEMENT_DURATION
from meshkit.telemetry.statement_attributes import attributes_of, batch_summary, summary_of

DEFAULT_TIMEOUT = 10.0
# Pauses between attempts to connect, doubling. The longest one is short, so that a cluster is used soon after it comes up.
FIRST_PAUSE, LONGEST_PAUSE = 0.5, 2.0
Rows = list[tuple[Any, ...]]
_CHECK = read("SELECT toUnixTimestamp(now()) FROM system.local WHERE key = 'local' LIMIT 1")
_duration = STATEMENT_DURATION.buckets()
_half_logged = BATCHES_HALF_LOGGED.create()
_NOW = contextlib.nullcontext()
_log = structlog.get_logger()


class Cassandra:
    """One keyspace of a cluster, for asyncio. Created by `open_cassandra`."""

    def __init__(self, settings: CassandraSettings, keyspace: str, migrations: tuple[Path, ...]) -> None:
        self._settings = settings
        self._keyspace = keyspace
        self._migrations = migrations
        self._loop = asyncio.get_running_loop()
        self._turn = asyncio.Semaphore(settings.cassandra_max_in_flight)
        self._session: Any = None
        self._cluster: Cluster | None = None
        self._is_closed = False
        self._failure: MigrationError | None = None
        self._preparing: Preparing | None = None
        self._arrived: deque[tuple[asyncio.Future[Rows], Rows | BaseException]] = deque()
        self._is_waking = False
        self._clock = ClockOffset()
        reads = consistency_of(settings.cassandra_read_consistency)
        writes = consistency_of(settings.cassandra_write_consistency)
        serial = consistency_of("LOCAL_SERIAL")
        self._consistency = {
            Kind.READ: reads,
            Kind.SURE_READ: writes,
            Kind.SERIAL_READ: serial,
            Kind.WRITE: writes,
            Kind.CLAIM: writes,
        }

    async def execute(self, statement: Statement, *parameters: Any) -> Rows:
        """Run a statement and return its rows as tuples.

        Raises UnavailableError if it was not executed, UnknownOutcomeError if a write may have been, and DeadlineExceededError if
        the call's deadline has passed.
        """
        bound = (await self._prepare(statement)).bind(parameters)
        bound.consistency_level = self._consistency[statement.kind]
        bound.is_idempotent = statement.is_idempotent
        # The statement's LIMIT bounds the answer. With a fetch size, the driver would silently cut it.
        bound.fetch_size = None
        return await self._send(bound, statement.kind, summary_of(statement.cql))

    async def execute_batch(self, *steps: Step) -> None:
        """Run writes as one logged batch: all of them take effect, or none.

        A batch is first stored on two other nodes. If one of these has just died, only the other has it and the batch fails; that
        node will execute it eventually. In that case, send the same writes without a log to get them confirmed now. The first
        step is sent last, so that readers who see it can rely on the others.
        """
        bound = [(await self._prepare(statement)).bind(parameters) for statement, parameters in steps]
        is_idempotent = all(statement.is_idempotent for statement, _ in steps)
        summary = batch_summary(statement.cql for statement, _ in steps)
        at = self._session.cluster.timestamp_generator()
        try:
            await self._send(self._batch(BatchType.LOGGED, bound, is_idempotent=is_idempotent), Kind.WRITE, summary, at)
        except HalfLoggedError:
            _half_logged.add(1)
            if not is_idempotent:
                raise
            for part in filter(None, (bound[1:], bound[:1])):
                await self._send(self._batch(BatchType.UNLOGGED, part, is_idempotent=True), Kind.WRITE, summary, at)

    async def claim_together(self, *steps: Step) -> bool:
        """Run claims of one partition as one lightweight transaction: all are carried out, or none. Returns whether they were.

        Raises as `execute` does for a claim.
        """
        bound = [(await self._prepare(statement)).bind(parameters) for statement, parameters in steps]
        summary = batch_summary(statement.cql for statement, _ in steps)
        rows = await self._send(self._batch(BatchType.UNLOGGED, bound, is_idempotent=False), Kind.CLAIM, summary)
        return bool(rows[0][0])

    async def check(self) -> None:
        """Return if the cluster responds: the health check. Also measures the clocks of its nodes."""
        if self._failure is not None:
            raise self._failure
        asked_ms = local_ms()
        [[their_ms]] = await self.execute(_CHECK)
        self._clock.add(their_ms, asked_ms, local_ms())

    @property
    def name(self) -> str:
        """The keyspace."""
        return self._keyspace

    def now_ms(self) -> int:
        """Return the time by the clocks of the cluster's nodes, in milliseconds since 1970."""
        return self._clock.now_ms()

    async def connect(self) -> None:
        """Connect and migrate, retrying until the cluster is reachable."""
        pause = FIRST_PAUSE
        for tries in itertools.count(1):
            try:
                self._session = await asyncio.to_thread(self._open)
            except MigrationError as error:
                _log.error("migration_refused", keyspace=self._keyspace, error=str(error))
                self._failure = error
                return
            except Exception as error:  # noqa: BLE001 - a starting cluster may fail in any way
                if tries & (tries - 1) == 0:  # at 1, 2, 4, 8 …: a long outage does not fill the log
                    why = f"{type(error).__name__}: {error}"
                    _log.warning("cassandra_not_reached", keyspace=self._keyspace, tries=tries, error=why)
                # Jitter, because all processes of a mesh wait for the same cluster.
                await asyncio.sleep(pause * random.uniform(0.5, 1))  # noqa: S311 - jitter is no secret
                pause = min(2 * pause, LONGEST_PAUSE)
            else:
                self._preparing = Preparing(self._session)
                with contextlib.suppress(LensfeedError):  # the next health check measures the clocks
                    await self.check()
                _log.info("cassandra_connected", keyspace=self._keyspace)
                return

    async def close(self) -> None:
        """Close all connections, including one that is being opened."""
        self._is_closed = True
        if self._cluster is not None:
            await asyncio.to_thread(self._cluster.shutdown)

    def _open(self) -> Any:
        cluster = make_cluster(self._settings)
        try:
            session = cluster.connect()
            replication = self._settings.cassandra_replication
            migrate(session, self._keyspace, replication, self._migrations)
            self._cluster = cluster
            if self._is_closed:
                raise UnavailableError  # noqa: TRY301 - closed while this thread was connecting: shut down as after a failure
        except BaseException:
            cluster.shutdown()
            raise
        return session

    async def _prepare(self, statement: Statement) -> Any:
        if self._preparing is None:
            raise UnavailableError
        return await self._preparing.prepared(statement)

    def _batch(self, batch_type: Any, bound: Sequence[Any], *, is_idempotent: bool) -> BatchStatement:
        batch = BatchStatement(batch_type, consistency_level=self._consistency[Kind.WRITE])
        for each in bound:
            batch.add(each)
        batch.is_idempotent = is_idempotent
        return batch

    def _patience(self, kind: Kind) -> float:
        left = _time_left()
        return min(left, self._settings.cassandra_claim_seconds) if kind is Kind.CLAIM else left

    async def _send(self, bound: Any, kind: Kind, summary: str, at: int | None = None) -> Rows:
        """Send a statement and record how long it took, with the wait for its turn."""
        start = time.perf_counter()
        error = ""
        try:
            return await self._answer(bound, kind, at)
        except BaseException as failure:
            error = type(failure).__name__
            raise
        finally:
            _duration.record(time.perf_counter() - start, attributes_of("cassandra", self._keyspace, summary, error))

    async def _answer(self, bound: Any, kind: Kind, at: int | None) -> Rows:
        await self._take_turn()
        answer: asyncio.Future[Rows] = self._loop.create_future()
        try:
            with _NOW if at is None else written_at(at):
                future = self._session.execute_async(bound, timeout=self._patience(kind))
        except LensfeedError:
            self._turn.release()
            raise
        except Exception as error:
            self._turn.release()
            raise translated(error, kind) from error
        future.add_callbacks(
            callback=lambda rows: self._hand_over(answer, rows or []),
            errback=lambda error: self._hand_over(answer, error),
        )
        try:
            rows = await answer
        except asyncio.CancelledError:
            if kind in WRITES:
                unknown_writes.add(1)
                _log.warning("write_outcome_unknown", keyspace=self._keyspace)
            raise
        except Exception as error:
            failure = translated(error, kind)
            if isinstance(failure, UnknownOutcomeError):
                mark_begun()
            raise failure from error
        else:
            if kind is Kind.WRITE or (kind is Kind.CLAIM and rows and rows[0][0]):
                mark_begun()
            return rows

    async def _take_turn(self) -> None:
        """Wait for a free slot, but not for longer than the statement itself may take."""
        if not self._turn.locked():
            await self._turn.acquire()
            return
        try:
            async with asyncio.timeout(_time_left()):
                await self._turn.acquire()
        except TimeoutError:
            raise UnavailableError from None

    def _hand_over(self, answer: "asyncio.Future[Rows]", result: Rows | BaseException) -> None:
        """Queue a result for the loop. Must not raise: the driver's IO thread, which runs it, swallows exceptions."""
        self._arrived.append((answer, result))
        if not self._is_waking:
            self._is_waking = True
            with contextlib.suppress(RuntimeError):  # the loop is closed and nobody waits
                self._loop.call_soon_threadsafe(self._receive)

    def _receive(self) -> None:
        self._is_waking = False
        while self._arrived:
            answer, result = self._arrived.popleft()
            self._turn.release()
            if answer.done():
                continue
            if isinstance(result, BaseException):
                answer.set_exception(result)
            else:
                answer.set_result(result)


@contextlib.asynccontextmanager
async def open_cassandra(settings: CassandraSettings, service: str, *migrations: Path) -> AsyncIterator[Cassandra]:
    """Open a service's keyspace. It connects in the background, so a process can start before its cluster."""
    keyspace = f"{settings.cassandra_keyspace_prefix}_{service}"
    bridge = Cassandra(settings, keyspace, migrations)
    connecting = asyncio.create_task(bridge.connect())
    try:
        yield bridge
    finally:
        connecting.cancel()
        await asyncio.gather(connecting, return_exceptions=True)
        await bridge.close()


def _time_left() -> float:
    remaining = current_call().remaining()
    if remaining is None:
        return DEFAULT_TIMEOUT
    if remaining <= 0:
        raise DeadlineExceededError
    return remaining
