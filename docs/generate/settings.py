"""docs/settings.md: every setting with its default, unit, meaning and readers."""

from collections.abc import Iterable, Sequence

from docs.generate.settings_classes import NONE, OF_THE_COMMAND, PROCESSES, REQUIRED, Reading, readings
from docs.generate.table import table
from docs.generate.units import unit_of

HEAD = """\
# Settings

<!-- Written by `make reference` from the settings classes. Edit the docstrings under their fields, not this page. -->

Every process reads its settings once, from environment variables, when it starts. Two rules catch mistakes:

- A variable that begins with `LENSFEED_` and is not a setting of any process is refused, with the closest known name. One
  environment can therefore serve a whole mesh, and a typo never goes unnoticed.
- If a setting is missing or invalid, the process exits with code 2 and prints one sentence for each problem.

`lensfeed dev` sets the addresses, folders, keys and secrets of its parts, and says so if your environment had another value.
`LENSFEED_CURSOR_KEYS`, `LENSFEED_LOG_FORMAT`, `LENSFEED_MEDIA_BASE_URL` and everything that it does not set pass through.

**Redis.** All services of a mesh use the same URL. A cluster's URL names one node or more, as in
`redis+cluster://user:password@a:6379,b:6379`; the others are discovered. Credentials and options apply to all nodes.
See [Run a Redis cluster](redis-cluster.md).

**Addresses.** Services accept any gRPC name: `dns:///feed.internal:50055` spreads calls over all addresses of that name. The edge
accepts host:port, with or without `dns:///`. All accept several IP addresses, as in `10.0.0.1:50055,10.0.0.2:50055`, and spread
calls over them.

**Telemetry.** `LENSFEED_METRICS_ADDR` serves [metrics](metrics.md) to Prometheus. Spans and metrics are sent by OTLP if the
standard variable `OTEL_EXPORTER_OTLP_ENDPOINT` is set. They cost nothing otherwise.

## All settings

*required* means that a process which reads the setting does not start without it. Under "read by", `post` is every process of
post_svc, and `post work` only its worker (`python -m post_svc work`).

"""
WITH_STORE = ("user", "follow", "post", "media")
SERVICES = (*WITH_STORE, "feed")
COLUMNS = ("name", "default", "unit", "meaning", "read by")


def settings_page() -> str:
    """Write the page."""
    rows = [_row(name, found) for name, found in readings().items()]
    rows += [(f"`{name}`", NONE, "", meaning, "lensfeed") for name, meaning in OF_THE_COMMAND.items()]
    return HEAD + table(COLUMNS, sorted(rows))


def _row(name: str, found: Sequence[Reading]) -> tuple[str, ...]:
    return (f"`{name}`", _default(found), unit_of(name, found[0].field), _meaning(found), _readers(found))


def _default(found: Sequence[Reading]) -> str:
    """Return the default; if only some processes require the setting, say which."""
    given = sorted({reading.default for reading in found} - {REQUIRED})
    requiring = [reading for reading in found if reading.default == REQUIRED]
    if not given:
        return REQUIRED
    return f"{' or '.join(given)}, required by {_readers(requiring)}" if requiring else " or ".join(given)


def _meaning(found: Sequence[Reading]) -> str:
    """Return the meaning; if processes give it different ones, each with its readers."""
    meanings: dict[str, list[Reading]] = {}
    for reading in found:
        meanings.setdefault(reading.meaning, []).append(reading)
    if len(meanings) == 1:
        return found[0].meaning
    return " ".join(f"*{_readers(each)}:* {text}" for text, each in meanings.items())


def _readers(found: Iterable[Reading]) -> str:
    """Name processes, and a room by its name alone if all of its processes are among them."""
    names = [reading.process for reading in found]
    whole = [room for room in dict.fromkeys(map(_room, PROCESSES)) if _processes(room) <= set(names)]
    readers = [_room(name) if _room(name) in whole else name for name in names]
    named = ", ".join(dict.fromkeys(readers))
    return named.replace(", ".join(SERVICES), "every service").replace(
        ", ".join(WITH_STORE), "every service with a store"
    )


def _room(process: str) -> str:
    return process.partition(" ")[0]


def _processes(room: str) -> set[str]:
    return {process for process in PROCESSES if _room(process) == room}
