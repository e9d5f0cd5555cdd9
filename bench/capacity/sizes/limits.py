"""The parts that more machines do not help: which of them is full first. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from bench.capacity.numbers.inputs import Inputs
from bench.capacity.sizes.cassandra import follows_a_second
from bench.capacity.sizes.cores import serving_processes
from bench.capacity.sizes.population import Cell
from bench.capacity.sizes.redis import redis_sizes
from bench.capacity.sizes.traffic import THRESHOLD, Traffic
from bench.capacity.sizes.work import chain_seconds, work
from meshkit.events.outbox import SHARDS

# Bytes of an event's row in an outbox, not compressed: docs/cassandra-tables.md.
POST_EVENT, MEDIA_EVENTS, FOLLOW_EVENT = 68, 87 + 937, 70
# Of a medium: uploaded, ready. Heard by media_svc and post_svc.
EVENTS_OF_A_MEDIUM, GROUPS_OF_MEDIA = 2, 2
# A photo is queued, taken, renewed and finished.
QUEUE_STEPS = 4
READS_OF_AN_EVENT, ROWS = 2, 20


@dataclass(frozen=True, slots=True)
class Limit:
    """A part that is one thing, how much of it is used at the peak (1 is all), and what would move the limit."""

    part: str
    used: float
    what: str
    remedy: str


def limits(inputs: Inputs, seen: Traffic, cells: Sequence[Cell]) -> list[Limit]:
    """Return the limits, the one that is reached first at the top."""
    found = [*_streams(inputs, seen, cells), *_outboxes(inputs, seen), _cluster(inputs, seen, cells), _chain(inputs)]
    return sorted(found, key=lambda limit: -limit.used)


def _streams(inputs: Inputs, seen: Traffic, cells: Sequence[Cell]) -> list[Limit]:
    """Return those of streams and queues, each of which is in one slot: one core of one master."""
    servers = inputs.servers
    media = seen.posts * EVENTS_OF_A_MEDIUM * (servers.add_us + GROUPS_OF_MEDIA * servers.take_us)
    one_group = servers.add_us + servers.take_us
    chunks = work(inputs, cells).chunks * inputs.people.peak
    split = "several streams for each service, by author"
    return [
        Limit("`events:{media}`", media / 1e6, "a core of one master: 2 events of an upload, heard by 2 groups", split),
        Limit("`events:{post}`", seen.posts * one_group / 1e6, "a core of one master: 1 event of a post", split),
        Limit("`events:{follow}`", follows_a_second(inputs) * one_group / 1e6, "a core of one master", split),
        Limit("`events:{fan_out}`", chunks * one_group / 1e6, "a core of one master: chunks", split),
        Limit(
            "`media:{photos}`",
            seen.posts * QUEUE_STEPS * servers.add_us / 1e6,
            "a core of one master",
            "several queues, by owner",
        ),
    ]


def _outboxes(inputs: Inputs, seen: Traffic) -> list[Limit]:
    """Return those of outboxes: a shard-minute is one partition, and one process of a service reads each event twice."""
    room = inputs.servers.partition_bytes * SHARDS / 60
    swept = seen.posts * EVENTS_OF_A_MEDIUM * READS_OF_AN_EVENT / (inputs.measured.store_reads * ROWS)
    shards = "more shards a minute"
    return [
        Limit("media_svc's outbox", seen.posts * MEDIA_EVENTS / room, "100 MB of a partition", shards),
        Limit("post_svc's outbox", seen.posts * POST_EVENT / room, "100 MB of a partition", shards),
        Limit("follow_svc's outbox", follows_a_second(inputs) * FOLLOW_EVENT / room, "100 MB of a partition", shards),
        Limit("media_svc's sweeper", swept, "rows that one process reads, at most", "a sweeper for each shard"),
    ]


def _cluster(inputs: Inputs, seen: Traffic, cells: Sequence[Cell]) -> Limit:
    nodes = redis_sizes(inputs, seen, cells, serving_processes(inputs, seen))[-1].amount
    used = nodes / inputs.servers.cluster_nodes
    return Limit("the Redis cluster", used, "1,000 nodes", "larger masters, or a cluster for each range of viewers")


def _chain(inputs: Inputs) -> Limit:
    used = chain_seconds(inputs, THRESHOLD) / inputs.mission.late_seconds
    return Limit("the largest fan-out", used, "two minutes: chunks follow one another", "chunks that begin at once")
