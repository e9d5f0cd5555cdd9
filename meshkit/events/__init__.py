"""The event bus: a transactional outbox in each producing service's store, Redis Streams as the fast path, and a sweeper.

A service writes an event (`OutboxRecord`) in the same transaction as the change itself, then tries to add it to its stream
(`Publisher`). The `Sweeper` adds missing ones later. Consumer groups (`Consumer`) get each event at least once and move what they
give up to the `DeadLetters`. `Trim` shortens streams that have no outbox, because their events are steps of another event's work.
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
