"""The dashboard of each service: its calls, what it asks, its events, its own work, and its processes."""

from collections.abc import Sequence

from grafana_foundation_sdk.builders.dashboard import Dashboard

from meshkit.telemetry import catalog
from tools.monitoring.own_panels import own_panels
from tools.monitoring.panels import BYTES, NUMBER, PER_SECOND, SECONDS, Panel, add_row, board, lines
from tools.monitoring.queries import FAULTS, largest, of_process, per_second, processes, quantile

_METHOD, _STATUS = "rpc_method", "rpc_response_status_code"
_STATEMENT = ("db_system_name", "db_query_summary")
# The store has dozens of statements; the slowest tell.
_MOST = 10
_WITH_OUTBOX = frozenset({"user_svc", "follow_svc", "post_svc", "media_svc"})
_HANDLING = frozenset({"feed_svc", "follow_svc", "post_svc", "media_svc"})


def service_dashboard(service: str) -> Dashboard:
    """Return the dashboard of a service and its worker."""
    made = board(f"lensfeed-{service.replace('_', '-')}", f"lensfeed: {service}", f"What {service} and its workers do.")
    add_row(made, "Calls that it serves", _served(service))
    if panels := own_panels(service):
        add_row(made, "Its own work", panels)
    add_row(made, "Events", [*(_handled(service) if service in _HANDLING else ()), *_sent(service)])
    add_row(made, "What it asks of others", _asked(service))
    add_row(made, "Processes", _processes(service))
    return made


def _served(service: str) -> Sequence[Panel]:
    mine = f'rpc_method=~"lensfeed.{service.removesuffix("_svc")}.v1.+"'
    failed = per_second(catalog.SERVER_CALL_DURATION, (_METHOD, _STATUS), f'{mine}, {_STATUS}=~"{FAULTS}"')
    refused = per_second(catalog.SIGHT_REFUSALS, ("sight",), service=service)
    return (
        lines("Calls", PER_SECOND, (per_second(catalog.SERVER_CALL_DURATION, (_METHOD,), mine), "{{rpc_method}}")),
        lines(
            "99th percentile",
            SECONDS,
            (quantile(0.99, catalog.SERVER_CALL_DURATION, (_METHOD,), mine), "{{rpc_method}}"),
        ),
        lines("Failed calls", PER_SECOND, (failed, "{{rpc_method}} {{rpc_response_status_code}}")),
        lines("Refused by who sees whom", PER_SECOND, (refused, "{{sight}}")),
    )


def _handled(service: str) -> Sequence[Panel]:
    group = f'group="{service}"'
    lost = [
        (per_second(catalog.EVENTS_PARKED, ("stream",), group), "parked {{stream}}"),
        (per_second(catalog.EVENTS_DEAD, ("stream",), group), "dead {{stream}}"),
    ]
    left = [
        (largest(catalog.EVENTS_WAITING, ("stream",), group), "waiting {{stream}}"),
        (largest(catalog.EVENTS_SET_ASIDE, ("stream",), group), "set aside {{stream}}"),
    ]
    handled = per_second(catalog.EVENT_HANDLING, ("stream", "outcome"), group)
    slow = quantile(0.99, catalog.EVENT_HANDLING, ("stream",), group)
    return (
        lines("Handled", PER_SECOND, (handled, "{{stream}} {{outcome}}")),
        lines("99th percentile of handling", SECONDS, (slow, "{{stream}}")),
        lines("Left to handle", NUMBER, *left),
        lines("Oldest", SECONDS, (largest(catalog.EVENTS_OLDEST, ("stream",), group), "{{stream}}")),
        lines("Set aside and given up", PER_SECOND, *lost),
    )


def _sent(service: str) -> Sequence[Panel]:
    if service not in _WITH_OUTBOX:
        return ()
    redriven = per_second(catalog.OUTBOX_REDRIVEN, where=f'stream="{service.removesuffix("_svc")}"')
    return (lines("Events of its own that the sweeper had to send", PER_SECOND, (redriven, "events")),)


def _asked(service: str) -> Sequence[Panel]:
    calls, statements = catalog.CLIENT_CALL_DURATION, catalog.STATEMENT_DURATION
    failed = per_second(calls, (_METHOD, _STATUS), f'{_STATUS}=~"{FAULTS}"', service)
    slowest = f"topk({_MOST}, {quantile(0.99, statements, _STATEMENT, service=service)})"
    most = f"topk({_MOST}, {per_second(statements, _STATEMENT, service=service)})"
    errors = per_second(statements, (*_STATEMENT, "error_type"), 'error_type!=""', service)
    unsure = [
        (per_second(catalog.WRITES_UNKNOWN, service=service), "writes not confirmed"),
        (per_second(catalog.BATCHES_HALF_LOGGED, service=service), "batches without a log"),
    ]
    name = "{{db_system_name}} {{db_query_summary}}"
    return (
        lines(
            "99th percentile of calls", SECONDS, (quantile(0.99, calls, (_METHOD,), service=service), "{{rpc_method}}")
        ),
        lines("Failed calls to others", PER_SECOND, (failed, "{{rpc_method}} {{rpc_response_status_code}}")),
        lines("Statements", PER_SECOND, (most, name)),
        lines("99th percentile of the slowest statements", SECONDS, (slowest, name)),
        lines("Failed statements", PER_SECOND, (errors, f"{name} {{{{error_type}}}}")),
        lines("Cassandra", PER_SECOND, *unsure),
    )


def _processes(service: str) -> Sequence[Panel]:
    name = "{{service_name}} {{instance}}"
    count = f"count by (service_name) ({processes(service)})"
    cpu = of_process("rate(process_cpu_seconds_total[$__rate_interval])", service)
    return (
        lines("Processes", NUMBER, (count, "{{service_name}}")),
        lines("Cores in use", NUMBER, (cpu, name)),
        lines("Memory", BYTES, (of_process("process_resident_memory_bytes", service), name)),
    )
