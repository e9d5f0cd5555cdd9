"""A model of posts on their way into timelines: workers, the stream of posts and the queue of chunks. Seeded.

It is made as feed_svc/fan_out is. A worker handles a post with its first page of followers, then queues a chunk for the others.
A chunk queues the next one at the end of the queue. Work is in seconds of one worker. What arrives in a step is one batch, of
which any part can be served. It counts as published at the start of its step, and as done at the end of a step. Events are
served in order, but workers take parked ones and new ones in turn. Not in the model: retries, servers other than workers, and
the sweeper.
"""

import random
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from bench.capacity.flow.day import STEP, Step, arrivals
from bench.capacity.sizes.work import Work
from feed_svc.fan_out.chunks import CHUNKS_AT_ONCE, PAGES_PER_CHUNK
from meshkit.events.consumer import AT_ONCE

# Below this, a rest is a rounding error.
_NOTHING = 1e-9

Workers = Callable[[int], float]
"""How many workers run in a second."""


@dataclass(slots=True)
class _Posts:
    born: int
    count: float
    boost: float


@dataclass(slots=True)
class _Chunks:
    born: int
    left: int
    count: float


@dataclass(slots=True)
class Flow:
    """What happened.

    `first` and `last` are by the second of publication: when the last post was at its first page of followers,
    and when it was at its last chunk. Posts that
    still wait at the end count as visible after it. Backlogs are in worker-seconds, by step.
    """

    posts_in: float = 0.0
    posts_out: float = 0.0
    chunks_in: float = 0.0
    chunks_out: float = 0.0
    posts_left: float = 0.0
    chunks_left: float = 0.0
    first: dict[int, int] = field(default_factory=dict)
    last: dict[int, int] = field(default_factory=dict)
    backlog: list[float] = field(default_factory=list)

    @property
    def end(self) -> int:
        """The second at which the model ended."""
        return len(self.backlog) * STEP

    def visible_at(self, born: int) -> int:
        """Return the second in which all followers have the posts of a second."""
        return max(self.first[born], self.last.get(born, 0))

    def latest(self, born: range) -> int:
        """Return the longest time from publication to the last follower, in seconds."""
        return max(self.delay(each) for each in range(born.start, born.stop, STEP))

    def delay(self, born: int) -> int:
        """Return the time from publication to the last follower, in seconds."""
        return self.visible_at(born) - born


def simulate(work: Work, steps: Sequence[Step], workers: Workers, seed: int, parked: range = range(0)) -> Flow:
    """Run the model for some steps. Posts of the seconds `parked` leave their stream, and come back when workers run."""
    return _Model(work, random.Random(seed), parked).run(steps, workers)


class _Model:
    def __init__(self, work: Work, chance: random.Random, parked: range) -> None:
        self._work = work
        self._parked_seconds = parked
        self._share = _chunks_share(work)
        self._parked: deque[_Posts] = deque()
        self._parked_chunks: deque[_Chunks] = deque()
        self._chance = chance
        self._posts: deque[_Posts] = deque()
        self._chunks: deque[_Chunks] = deque()
        self._chunk_count = 0.0
        self._post_count = 0.0
        self._flow = Flow()

    def run(self, steps: Sequence[Step], workers: Workers) -> Flow:
        for number, step in enumerate(steps):
            at = number * STEP
            self._publish(at, step)
            self._serve(at + STEP, workers(at) * STEP)
            waiting = self._post_count * self._work.event_seconds + self._chunk_count * self._work.chunk_seconds
            self._flow.backlog.append(waiting)
        self._end()
        return self._flow

    def _end(self) -> None:
        """Count what still waits, as visible after the end."""
        flow = self._flow
        flow.posts_left, flow.chunks_left = self._post_count, self._chunk_count
        flow.first |= dict.fromkeys((each.born for each in (*self._parked, *self._posts)), flow.end + STEP)
        flow.last |= dict.fromkeys((each.born for each in (*self._parked_chunks, *self._chunks)), flow.end + STEP)

    def _publish(self, at: int, step: Step) -> None:
        count = arrivals(self._chance, self._work.events * step.posts * STEP)
        queue = self._parked if at in self._parked_seconds else self._posts
        queue.append(_Posts(at, count, step.jobs / step.posts))
        self._post_count += count
        self._flow.posts_in += count

    def _serve(self, at: int, seconds: float) -> None:
        """Spend seconds of workers until a moment: on chunks at least their share, then on posts, then on chunks."""
        chunks = min(seconds * self._share, self._chunk_count * self._work.chunk_seconds)
        left = seconds - chunks - self._serve_posts(at, seconds - chunks)
        self._serve_chunks(at, chunks + left)

    def _serve_posts(self, at: int, seconds: float) -> float:
        used = self._serve_queue(self._parked, at, seconds / 2)
        used += self._serve_queue(self._posts, at, seconds - used)
        return used + self._serve_queue(self._parked, at, seconds - used)

    def _serve_queue(self, queue: deque[_Posts], at: int, seconds: float) -> float:
        used = 0.0
        while queue and seconds - used > _NOTHING:
            batch = queue[0]
            part = min(batch.count, (seconds - used) / self._work.event_seconds)
            used += part * self._work.event_seconds
            self._handled(at, batch, part)
            batch.count -= part
            if batch.count <= _NOTHING:
                queue.popleft()
        return used

    def _handled(self, at: int, batch: _Posts, part: float) -> None:
        """Begin the fan-outs of posts that are at their first pages."""
        self._post_count = max(0.0, self._post_count - part)
        self._flow.posts_out += part
        self._flow.first[batch.born] = at
        share = part * batch.boost / self._work.events
        queue = self._parked_chunks if batch.born in self._parked_seconds else self._chunks
        for jobs in self._work.jobs:
            count = share * jobs.rate
            queue.append(_Chunks(batch.born, jobs.chunks, count))
            self._chunk_count += count * jobs.chunks
            self._flow.chunks_in += count * jobs.chunks

    def _serve_chunks(self, at: int, seconds: float) -> None:
        left = seconds / self._work.chunk_seconds
        left -= self._serve_chunk_queue(self._parked_chunks, at, left / 2)
        left -= self._serve_chunk_queue(self._chunks, at, left)
        self._serve_chunk_queue(self._parked_chunks, at, left)

    def _serve_chunk_queue(self, queue: deque[_Chunks], at: int, most: float) -> float:
        served = 0.0
        while queue and most - served > _NOTHING:
            batch = queue[0]
            part = min(batch.count, most - served)
            served += part
            if batch.left > 1:
                queue.append(_Chunks(batch.born, batch.left - 1, part))
            else:
                self._flow.last[batch.born] = at
            batch.count -= part
            if batch.count <= _NOTHING:
                queue.popleft()
        self._chunk_count = max(0.0, self._chunk_count - served)
        self._flow.chunks_out += served
        return served


def _chunks_share(work: Work) -> float:
    """Return the share of a worker's time for chunks if both kinds wait.

    A worker has AT_ONCE posts and CHUNKS_AT_ONCE chunks in progress, and Redis takes their pages in turn.
    """
    chunks = CHUNKS_AT_ONCE * work.chunk_seconds / PAGES_PER_CHUNK
    return chunks / (chunks + AT_ONCE * work.event_seconds)
