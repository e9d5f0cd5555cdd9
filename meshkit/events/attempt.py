"""Runs a handler once for an entry: within a time limit, retrying short outages, and never raising."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from enum import Enum, auto

import stamina
import structlog
from lensfeed.events.v1 import event_pb2

from meshkit.call import CURRENT, Call, current_call
from meshkit.errors import DeadlineExceededError, UnavailableError
from meshkit.events.entry import Entry, PoisonError, decode
from meshkit.grpc.status import is_outage, known_error
from meshkit.telemetry.spans import processing

Handler = Callable[[event_pb2.Event], Awaitable[None]]
_log = structlog.get_logger()


class Outcome(Enum):
    """The outcome of an attempt."""

    DONE = auto()
    FAILED = auto()
    # Failed because a part is down, which does not count as a delivery.
    OUTAGE = auto()
    # Took too long, which counts: it may be this event's own fault.
    LATE = auto()
    # Not an event, so retrying cannot help.
    POISON = auto()


async def attempt(handler: Handler, entry: Entry, limit: float, stream: str) -> Outcome:
    """Pass an entry's event to a handler, which has `limit` seconds. `stream` is the name for the log."""
    try:
        event = decode(entry.payload)
        async with asyncio.timeout(limit):
            CURRENT.set(_call_of(event, limit))
            with processing(stream, event.traceparent, _attributes_of(event)):
                await _with_retries(handler, event)
    except PoisonError:
        return Outcome.POISON
    except Exception as error:  # noqa: BLE001 - any exception of a handler means another attempt later
        _log.warning(
            "event_not_handled",
            stream=stream,
            entry=entry.entry_id.decode(),
            error=repr(error),
            exc_info=None if known_error(error) else error,
        )
        return _outcome_of(error)
    return Outcome.DONE


def _outcome_of(error: Exception) -> Outcome:
    match known_error(error):
        case UnavailableError():
            return Outcome.OUTAGE
        case DeadlineExceededError():
            return Outcome.LATE
        case _:
            return Outcome.FAILED


def _call_of(event: event_pb2.Event, seconds: float) -> Call:
    """Create the call that a handler runs in, so that its child calls end before the handler must."""
    return Call(
        request_id=f"event-{event.event_id}",
        traceparent=event.traceparent or None,
        deadline=time.monotonic() + seconds,
    )


def _attributes_of(event: event_pb2.Event) -> dict[str, str]:
    return {
        "messaging.message.id": str(event.event_id),
        "lensfeed.event": event.WhichOneof("payload") or "",
        "lensfeed.request_id": current_call().request_id,
    }


async def _with_retries(handler: Handler, event: event_pb2.Event) -> None:
    """Run a handler, retrying while a peer is briefly unavailable."""
    async for try_ in stamina.retry_context(on=is_outage, attempts=4, wait_initial=0.1, wait_max=1.0):
        with try_:
            await handler(event)
