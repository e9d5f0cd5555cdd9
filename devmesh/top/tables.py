"""The tables of `lensfeed top`: rows of figures, by what an operator asks first."""

from collections.abc import Sequence
from dataclasses import dataclass

from devmesh.top.change import PART, Change
from devmesh.top.scrape import Sample
from meshkit.telemetry import catalog

CALLS = catalog.SERVER_CALL_DURATION.prometheus_name
STATEMENTS = catalog.STATEMENT_DURATION.prometheus_name
# Statuses that are the mesh's fault.
FAULTS = frozenset({"UNKNOWN", "DEADLINE_EXCEEDED", "INTERNAL", "UNAVAILABLE", "DATA_LOSS", "RESOURCE_EXHAUSTED"})
MOST_METHODS = 8
MOST_STATEMENTS = 8
Row = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """One table: its title, columns and rows.

    `alarms` are the indices of rows that need a look. A table `is_ranked` if its most important rows come first.
    """

    title: str
    columns: Row
    rows: Sequence[Row]
    alarms: frozenset[int] = frozenset()
    is_ranked: bool = False


def tables_of(change: Change) -> list[Table]:
    """Return all tables that have rows."""
    made = (_parts(change), _methods(change), _feeds(change), _events(change), _jobs(change), _stores(change))
    return [table for table in made if table.rows]


def _is_fault(sample: Sample) -> bool:
    return sample.labels.get("rpc_response_status_code") in FAULTS


def _parts(change: Change) -> Table:
    cpu = change.rates("process_cpu_seconds_total", PART)
    memory = change.latest("process_resident_memory_bytes", PART)
    calls = change.rates(f"{CALLS}_count", PART)
    faults = change.rates(f"{CALLS}_count", PART, only=_is_fault)
    p50, p99 = (change.quantiles(CALLS, quantile, PART) for quantile in (0.5, 0.99))
    rows: list[Row] = []
    for part, answers in change.after.parts.items():
        key = (part,)
        state = "up" if answers else "no answer"
        figures = (_percent(cpu.get(key)), _mebibytes(memory.get(key)), _number(calls.get(key)))
        rows.append((part, state, *figures, _number(faults.get(key)), _time(p50.get(key)), _time(p99.get(key))))
    down = frozenset(at for at, answers in enumerate(change.after.parts.values()) if not answers)
    return Table("processes", ("part", "state", "cpu", "MiB", "calls/s", "faults/s", "p50", "p99"), rows, down)


def _methods(change: Change) -> Table:
    rates = change.rates(f"{CALLS}_count", "rpc_method")
    faults = change.rates(f"{CALLS}_count", "rpc_method", only=_is_fault)
    p50, p99 = (change.quantiles(CALLS, quantile, "rpc_method") for quantile in (0.5, 0.99))
    busiest = sorted((key for key, rate in rates.items() if rate), key=lambda key: -rates[key])[:MOST_METHODS]
    rows = [
        (
            key[0].rpartition(".")[2],
            _number(rates[key]),
            _number(faults.get(key)),
            _time(p50.get(key)),
            _time(p99.get(key)),
        )
        for key in busiest
    ]
    return Table("busiest methods", ("method", "calls/s", "faults/s", "p50", "p99"), rows, is_ranked=True)


def _feeds(change: Change) -> Table:
    pages = _shares(change, catalog.FEED_PAGES.prometheus_name)
    cards = _shares(change, catalog.FEED_CARDS.prometheus_name)
    lag = change.quantiles(catalog.FAN_OUT_LAG.prometheus_name, 0.99).get(())
    fresh = change.quantiles(catalog.FRESHNESS.prometheus_name, 0.99).get(())
    divergence = change.latest(catalog.DIVERGENCE.prometheus_name).get(())
    celebrities = change.latest(catalog.CELEBRITIES.prometheus_name).get(())
    rows = [
        ("pages from", pages),
        ("cards from", cards),
        ("fan-out lag, p99", _time(lag)),
        ("freshness, p99", _time(fresh)),
        ("divergence", _percent(divergence)),
        ("celebrities", _number(celebrities)),
    ]
    alarms = frozenset({4}) if divergence else frozenset[int]()
    return Table("home feeds", ("", ""), rows if celebrities is not None else [], alarms)


def _events(change: Change) -> Table:
    by = ("stream", "group")
    waiting = change.latest(catalog.EVENTS_WAITING.prometheus_name, *by)
    oldest = change.latest(catalog.EVENTS_OLDEST.prometheus_name, *by)
    handling = f"{catalog.EVENT_HANDLING.prometheus_name}_count"
    done = change.rates(handling, *by, only=lambda sample: sample.labels["outcome"] == "done")
    failed = change.rates(handling, *by, only=lambda sample: sample.labels["outcome"] != "done")
    aside = change.latest(catalog.EVENTS_SET_ASIDE.prometheus_name, *by)
    dead = change.latest(catalog.DEAD_LETTERS.prometheus_name, "stream")
    # What needs a look comes first, then what waits most.
    keys = sorted(waiting, key=lambda key: (not (dead.get(key[:1]) or failed.get(key)), -waiting[key], key))
    rows = [
        (
            *key,
            _number(waiting[key]),
            _time(oldest.get(key)),
            _number(done.get(key)),
            _number(failed.get(key)),
            _number(aside.get(key)),
            _number(dead.get(key[:1])),
        )
        for key in keys
    ]
    columns = ("stream", "group", "waiting", "oldest", "done/s", "failed/s", "parked", "dead")
    alarms = frozenset(at for at, key in enumerate(keys) if dead.get(key[:1]) or failed.get(key))
    return Table("events", columns, rows, alarms, is_ranked=True)


def _jobs(change: Change) -> Table:
    durations = catalog.JOB_DURATION.prometheus_name
    waiting = change.latest(catalog.JOBS_WAITING.prometheus_name, "queue")
    rates = change.rates(f"{durations}_count", "queue")
    p99 = change.quantiles(durations, 0.99, "queue")
    rows = [
        (key[0], _number(waiting.get(key)), _number(rates.get(key)), _time(p99.get(key)))
        for key in sorted(waiting.keys() | rates.keys())
    ]
    return Table("media jobs", ("queue", "waiting", "jobs/s", "p99"), rows)


def _stores(change: Change) -> Table:
    by = ("db_system_name", "db_namespace", "db_query_summary")
    spent = change.rates(f"{STATEMENTS}_sum", *by)
    rates = change.rates(f"{STATEMENTS}_count", *by)
    p99 = change.quantiles(STATEMENTS, 0.99, *by)
    costly = sorted((key for key, rate in rates.items() if rate), key=lambda key: -spent[key])[:MOST_STATEMENTS]
    rows = [(*key, _number(rates[key]), _time(spent[key] / rates[key]), _time(p99.get(key))) for key in costly]
    columns = ("store", "of", "statement", "a second", "mean", "p99")
    return Table("costliest statements", columns, rows, is_ranked=True)


def _shares(change: Change, counter: str) -> str:
    """Return what share of a counter's growth came from each source."""
    rates = {key[0]: rate for key, rate in change.rates(counter, "source").items() if rate}
    total = sum(rates.values())
    found = sorted(rates.items(), key=lambda item: -item[1])
    return ", ".join(f"{source} {100 * rate / total:.0f} %" for source, rate in found) or "-"


def _number(value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:.0f}" if value == round(value) or value >= 100 else f"{value:.1f}"  # noqa: PLR2004 - three digits will do


def _percent(value: float | None) -> str:
    return "-" if value is None else f"{100 * value:.1f} %"


def _mebibytes(value: float | None) -> str:
    return "-" if value is None else f"{value / 1024 / 1024:.0f}"


def _time(seconds: float | None) -> str:
    if seconds is None:
        return "-"
    return f"{seconds:.1f} s" if seconds >= 1 else f"{1000 * seconds:.1f} ms"
