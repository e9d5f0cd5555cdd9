"""Reads log lines in the formats of all parts of a mesh."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

LEVELS = ("debug", "info", "warning", "error", "critical")
"""From harmless to serious. A record whose level is unknown has the level "" instead."""
EARLIEST = datetime.min.replace(tzinfo=UTC)

_VALKEY = {".": "debug", "-": "debug", "*": "info", "#": "warning"}
_GO = {"I": "info", "W": "warning", "E": "error", "F": "critical"}
_ALIASES = _VALKEY | _GO | {"trace": "debug", "warn": "warning"}
_FORMATS = (
    # Services: 2026-11-30T20:31:37.949721Z [info     ] serving  address=…
    (re.compile(r"(?P<time>\d{4}-\d\d-\d\dT[\d:.]+Z) \[(?P<level>\w+) *\] (?P<text>.*)"), "%Y-%m-%dT%H:%M:%S.%f%z"),
    # Envoy: 2026-11-30T20:31:37.949 info edge …
    (re.compile(r"(?P<time>\d{4}-\d\d-\d\dT[\d:.]+) (?P<level>\w+) edge (?P<text>.*)"), "%Y-%m-%dT%H:%M:%S.%f"),
    # Valkey: 17077:M 30 Nov 2026 20:31:38.365 * …
    (re.compile(r"\d+:\w (?P<time>\d\d \w{3} \d{4} [\d:.]+) (?P<level>[.*#-]) (?P<text>.*)"), "%d %b %Y %H:%M:%S.%f"),
    # Cassandra: 2026-11-30 20:31:38,365 INFO  [main] …
    (re.compile(r"(?P<time>\d{4}-\d\d-\d\d [\d:,]+) (?P<level>[A-Z]+) +(?P<text>\[.*)"), "%Y-%m-%d %H:%M:%S,%f"),
    # A library of SeaweedFS: [watermill] 2026/11/30 20:31:55.870399 router.go:280: level=INFO msg=…
    (
        re.compile(r"\[watermill\] (?P<time>[\d/]+ [\d:.]+) (?P<text>.*?\blevel=(?P<level>[A-Z]+).*)"),
        "%Y/%m/%d %H:%M:%S.%f",
    ),
)
# SeaweedFS: I1130 20:31:55.870399 file_util.go:29 …
_SEAWEED = re.compile(r"(?P<level>[IWEF])(?P<time>\d{4} \d\d:\d\d:\d\d\.\d+) +(?P<text>.*)")
_GRPC_FAILED = frozenset({"UNKNOWN", "DEADLINE_EXCEEDED", "INTERNAL", "UNAVAILABLE", "DATA_LOSS"})
_SERVER_ERROR = 500


@dataclass(frozen=True)
class Record:
    """What a part logged at one time. Its text may have several lines, such as a traceback."""

    time: datetime
    level: str
    text: str
    fields: Mapping[str, Any] = field(default_factory=dict)
    """What the line held if it was JSON."""

    @property
    def is_harmless(self) -> bool:
        """Whether its level is known and below a warning."""
        return self.level in LEVELS[:2]


def read_record(line: str) -> Record | None:
    """Return the record that begins with a line; None if none does. Times without a zone are local."""
    if line.startswith("{"):
        return _from_json(line)
    for pattern, time_format in _FORMATS:
        if found := pattern.fullmatch(line):
            return _record(found["time"], time_format, found["level"], found["text"])
    if found := _SEAWEED.fullmatch(line):  # it does not log the year
        now = datetime.now(UTC)
        record = _record(f"{now.year}{found['time']}", "%Y%m%d %H:%M:%S.%f", found["level"], found["text"])
        is_of_last_year = record is not None and (record.time - now).days > 0
        last = f"{now.year - 1}{found['time']}"
        return _record(last, "%Y%m%d %H:%M:%S.%f", found["level"], found["text"]) if is_of_last_year else record
    return None


def _record(time: str, time_format: str, level: str, text: str) -> Record | None:
    try:
        at = datetime.strptime(time, time_format).astimezone(UTC)
    except ValueError:
        return None
    return Record(at, _level(level), text)


def _from_json(line: str) -> Record | None:
    try:
        fields = json.loads(line)
        at = datetime.fromisoformat(fields.get("timestamp") or fields["time"]).astimezone(UTC)
    except (ValueError, KeyError, TypeError):
        return None
    known = {"timestamp", "time", "level", "event", "exception"}
    event = str(fields.get("event") or "call")
    values = " ".join(f"{name}={value}" for name, value in fields.items() if name not in known and value is not None)
    text = "\n".join(filter(None, (f"{event} {values}".rstrip(), fields.get("exception"))))
    return Record(at, _level(str(fields["level"])) if "level" in fields else _level_of_call(fields), text, fields)


def _level_of_call(fields: Mapping[str, Any]) -> str:
    """Return the level of a line of the edge's access log."""
    status = fields.get("status")
    is_failed = (isinstance(status, int) and status >= _SERVER_ERROR) or fields.get("grpc_status") in _GRPC_FAILED
    return "error" if is_failed else "info"


def _level(name: str) -> str:
    level = _ALIASES.get(name) or _ALIASES.get(name.lower()) or name.lower()
    return level if level in LEVELS else ""
