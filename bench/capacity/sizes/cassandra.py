"""Bytes, operations and nodes of Cassandra. Pure.

Sizes of rows are those of docs/cassandra-tables.md with LZ4; so is what calls cost.
"""

import math

from bench.capacity.numbers.inputs import Inputs
from bench.capacity.numbers.mission import DAY_SECONDS
from bench.capacity.sizes.size import Size
from bench.capacity.sizes.traffic import Traffic

YEAR_DAYS = 365
# Bytes that a post with one medium leaves for good: posts, post_places, posts_by_medium; media, stored_bytes.
POST_BYTES = 681 + 50 + 40 + 845 + 40
# Bytes that it leaves for eleven days (TTL and gc_grace_seconds): outboxes of post_svc and media_svc, post_lives, system.paxos.
PASSING_BYTES, PASSING_DAYS = 49 + 708 + 800 + 1_329, 11
# users, handles, two sessions, follow_counts.
ACCOUNT_BYTES = 216 + 25 + 2 * 111 + 21
# follows and followers.
FOLLOW_BYTES = 46
# Reads, serial reads, LWTs, batches and writes of a post with one medium: CreatePost and its publication, the upload and its end.
POST_READS, POST_SERIAL, POST_LWTS, POST_BATCHES = 10, 6, 10, 4
# The same of a follow.
FOLLOW_READS, FOLLOW_SERIAL, FOLLOW_LWTS, FOLLOW_BATCHES = 4, 1, 1, 2
CARD_READS = 2
"""Statements of a card: the post and its author."""
# What replicas do: a quorum or a serial read asks two, both rounds of an LWT and the parts of a batch write to all.
QUORUM, LWT_ROUNDS, BATCH_WRITES = 2, 2, 4


def statements_of_a_post() -> int:
    """Return how many statements a service sends for a post."""
    return POST_READS + POST_SERIAL + POST_LWTS + POST_BATCHES + 1


def statements_of_a_follow() -> int:
    """Return how many statements a service sends for a follow."""
    return FOLLOW_READS + FOLLOW_SERIAL + FOLLOW_LWTS + FOLLOW_BATCHES


def cassandra_sizes(inputs: Inputs, seen: Traffic) -> list[Size]:
    """Return bytes on disk after a year and nodes. Nodes are the more of what disks and what time needs."""
    servers = inputs.servers
    kept = cassandra_bytes(inputs)
    total = sum(size.amount for size in kept)
    reads, writes = cassandra_operations(inputs, seen)
    cores = reads / inputs.measured.store_reads + writes / inputs.measured.store_writes
    by_disk = math.ceil(total / servers.node_bytes)
    by_time = math.ceil(cores / servers.node_cores / servers.busy)
    return [
        *kept,
        Size("Cassandra nodes for their disks", by_disk, "nodes", "all of this / 2 TB"),
        Size(
            "Cassandra nodes for their time",
            by_time,
            "nodes",
            f"{reads / 1e3:,.0f}k reads/s and {writes / 1e3:,.0f}k writes/s of replicas, {cores:,.0f} busy cores / 16",
        ),
        Size("Cassandra nodes", max(by_disk, by_time), "nodes", "the more of both"),
    ]


def cassandra_bytes(inputs: Inputs, years: float = 1) -> list[Size]:
    """Return what is on the disks after some years, all copies included."""
    copies = inputs.servers.copies
    posts = inputs.mission.posts * POST_BYTES * YEAR_DAYS * years * copies
    passing = inputs.mission.posts * PASSING_BYTES * PASSING_DAYS * copies
    graph = inputs.accounts * inputs.mission.followees * FOLLOW_BYTES * copies
    return [
        Size("posts and media of a year", posts, "bytes", f"posts * {POST_BYTES:,} bytes * 365 days * 3"),
        Size("outboxes, Paxos and the like", passing, "bytes", f"posts * {PASSING_BYTES:,} bytes * 11 days * 3"),
        Size("the graph", graph, "bytes", "accounts * 200 * 46 bytes * 3"),
        Size("accounts", inputs.accounts * ACCOUNT_BYTES * copies, "bytes", f"accounts * {ACCOUNT_BYTES} bytes * 3"),
    ]


def cassandra_operations(inputs: Inputs, seen: Traffic) -> tuple[float, float]:
    """Return the reads and writes of replicas a second at the peak: cards, posts and follows."""
    follows = follows_a_second(inputs)
    copies = inputs.servers.copies
    reads = seen.cards_made * CARD_READS + QUORUM * (
        seen.posts * (POST_READS + POST_SERIAL) + follows * (FOLLOW_READS + FOLLOW_SERIAL)
    )
    lwts = seen.posts * POST_LWTS + follows * FOLLOW_LWTS
    batches = seen.posts * POST_BATCHES + follows * FOLLOW_BATCHES
    return reads, copies * (lwts * LWT_ROUNDS + batches * BATCH_WRITES)


def follows_a_second(inputs: Inputs) -> float:
    """Return the follows and unfollows at the peak."""
    return inputs.mission.users * inputs.people.follow_changes * inputs.people.peak / DAY_SECONDS
