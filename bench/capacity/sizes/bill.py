"""What drives the cost: list prices of a month, to compare parts. Pure."""

from collections.abc import Sequence

from bench.capacity.numbers.inputs import Inputs
from bench.capacity.numbers.mission import DAY_SECONDS
from bench.capacity.sizes.cassandra import cassandra_sizes
from bench.capacity.sizes.cores import core_sizes, serving_processes
from bench.capacity.sizes.population import Cell
from bench.capacity.sizes.redis import redis_sizes
from bench.capacity.sizes.s3 import delivered_a_day, tiers
from bench.capacity.sizes.traffic import Traffic

MONTH_DAYS = 30
# The original and twelve renditions; a video of 15 s has about twice as many files.
PUTS_OF_A_POST = 14
_GB = 1e9


def bill(inputs: Inputs, seen: Traffic, cells: Sequence[Cell]) -> list[tuple[str, float]]:
    """Return (what, dollars a month) at the end of the first year, the most first."""
    prices, servers = inputs.prices, inputs.servers
    stored = tiers(inputs, 365)
    loads = seen.loads * DAY_SECONDS / inputs.people.peak
    cores = {size.part: size.amount * prices.core for size in core_sizes(inputs, seen, cells)}
    media = sum(cost for part, cost in cores.items() if part.startswith("media_svc work"))
    masters = redis_sizes(inputs, seen, cells, serving_processes(inputs, seen))[-1].amount
    rows = cassandra_sizes(inputs, seen)
    nodes, disks = rows[-1].amount, sum(size.amount for size in rows if size.unit == "bytes")
    parts = [
        ("delivery by the CDN", delivered_a_day(inputs, loads) * MONTH_DAYS / _GB * prices.egress),
        ("S3, renditions and new originals", stored.standard / _GB * prices.standard),
        ("S3, originals of more than 90 days", stored.infrequent / _GB * prices.infrequent),
        ("S3, PUTs", inputs.mission.posts * MONTH_DAYS * PUTS_OF_A_POST / 1e6 * prices.put),
        ("workers of photos and videos", media),
        ("the edge, the other services and fan-out", sum(cores.values()) - media),
        ("Redis, with replicas", masters * servers.master_bytes / _GB * prices.gigabyte),
        ("Cassandra, cores and disks", nodes * servers.node_cores * prices.core + disks / _GB * prices.disk),
    ]
    return sorted(parts, key=lambda part: -part[1])
