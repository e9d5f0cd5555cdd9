"""The event bus: a transactional outbox in each producing service's store, Redis Streams as the fast path, and a sweeper.

A service writes an event in the transaction of what it tells (`OutboxRecord`), then adds it to its stream as best it can
(`Publisher`). The `Sweeper` adds what is missing there. Consumers (`Consumer`) get each event at least once, in groups; what
they give up lies among the `DeadLetters`. A stream that has no outbox, because its events are steps of work that another
event began, is cut by `Trim`.
"""

from meshkit.events.consumer import Consumer
from meshkit.events.dead_letters import DeadLetter, DeadLetters
from meshkit.events.outbox import OutboxRecord, OutboxStore
from meshkit.events.producer import Producer, open_producer
from meshkit.events.publisher import Publisher
from meshkit.events.record import new_record
from meshkit.events.stream import EventStream
from meshkit.events.sweeper import Sweeper
from meshkit.events.trim import Trim

__all__ = [
    "Consumer",
    "DeadLetter",
    "DeadLetters",
    "EventStream",
    "OutboxRecord",
    "OutboxStore",
    "Producer",
    "Publisher",
    "Sweeper",
    "Trim",
    "new_record",
    "open_producer",
]
