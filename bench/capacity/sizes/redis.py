"""Memory and masters of Redis. Pure."""

import math
from collections.abc import Sequence

from bench.capacity.numbers.inputs import Inputs
from bench.capacity.sizes.population import Cell
from bench.capacity.sizes.size import Size
from bench.capacity.sizes.threshold import loads_of_a_read
from bench.capacity.sizes.traffic import PAGE, Traffic
from feed_svc.model import TIMELINE_LENGTH
from feed_svc.store import author_timelines, timelines

PULLED_BYTES = 8
CARD_BYTES = 33_300 / PAGE
"""The page of the benchmark of the hot read."""


def redis_sizes(inputs: Inputs, seen: Traffic, cells: Sequence[Cell], processes: float) -> list[Size]:
    """Return bytes and masters. Masters are the more of what memory and what time needs."""
    kept = redis_bytes(inputs, seen)
    total = sum(size.amount for size in kept)
    cores = redis_cores(inputs, seen, cells, processes)
    by_memory = math.ceil(total / inputs.servers.master_bytes)
    by_time = math.ceil(cores / inputs.servers.busy)
    return [
        *kept,
        Size("Redis masters for their memory", by_memory, "masters", "all of this / 25 GB"),
        Size("Redis masters for their time", by_time, "masters", f"{cores:,.0f} busy cores / {inputs.servers.busy:g}"),
        Size("Redis nodes", 2 * max(by_memory, by_time), "nodes", "the more of both, with a replica each"),
    ]


def redis_bytes(inputs: Inputs, seen: Traffic) -> list[Size]:
    """Return what Redis keeps, without replicas."""
    entry = inputs.measured.entry_bytes
    length = TIMELINE_LENGTH + timelines.SLACK / 2
    home = inputs.accounts * (length * entry + seen.pulled * PULLED_BYTES)
    authors = min(inputs.mission.posts, inputs.accounts) * author_timelines.LENGTH * entry
    return [
        Size("home timelines", home, "bytes", "accounts * (525 entries + pulled authors * 8 bytes)"),
        Size("author timelines", authors, "bytes", "one for each post of a day at most * 200 entries"),
        Size("cards", seen.cards_live * CARD_BYTES, "bytes", "cards read in the last two minutes * 1.7 kB"),
    ]


def redis_cores(inputs: Inputs, seen: Traffic, cells: Sequence[Cell], processes: float) -> float:
    """Return how many masters are busy at the peak: reads with their cards and pulled authors, pushes, and new cards."""
    servers = inputs.servers
    loads = loads_of_a_read(inputs, cells, processes)
    read = servers.home_us + PAGE * servers.card_us + loads * servers.window_us
    return (seen.reads * read + seen.pushes * servers.push_us + seen.cards_made * servers.card_us) / 1e6
