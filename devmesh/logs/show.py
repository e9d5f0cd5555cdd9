"""Prints log records for people, or as JSON."""

import json
import sys
import zlib

from rich.console import Console
from rich.text import Text

from devmesh.logs.record import EARLIEST, Record

COLORS = ("cyan", "green", "magenta", "blue", "bright_cyan", "bright_green", "bright_magenta", "bright_blue")
LEVEL_STYLES = {"debug": "dim", "warning": "yellow", "error": "red", "critical": "bold red"}
SERVICE_WIDTH = 12
# Control characters of a log could change the terminal.
_ESCAPED = {code: f"\\x{code:02x}" for code in (*range(0x20), *range(0x7F, 0xA0)) if chr(code) != "\t"}


def show(console: Console, service: str, record: Record) -> None:
    """Print a record, each of its lines with time, part and level. Colors are for terminals without NO_COLOR."""
    for line in record.text.split("\n"):
        parts = (
            (f"{time_text(record):24} ", "dim"),
            (f"{service:{SERVICE_WIDTH}} ", _color(service)),
            (f"{record.level:8} ", LEVEL_STYLES.get(record.level, "")),
            (line.translate(_ESCAPED), LEVEL_STYLES.get(record.level, "")),
        )
        if console.is_terminal and console.color_system:
            console.print(Text.assemble(*parts), soft_wrap=True)
        else:  # many times as fast
            sys.stdout.write(f"{''.join(text for text, _ in parts)}\n")


def show_json(service: str, record: Record) -> None:
    """Print a record as one line of JSON. If the part logged JSON, its fields are included."""
    own = {"time": time_text(record) or None, "service": service, "level": record.level or None, "text": record.text}
    sys.stdout.write(f"{json.dumps({**record.fields, **own})}\n")


def time_text(record: Record) -> str:
    """Return the time of a record in UTC, to the millisecond; empty if it is unknown."""
    if record.time == EARLIEST:
        return ""
    return f"{record.time:%Y-%m-%dT%H:%M:%S}.{record.time.microsecond // 1000:03}Z"


def _color(service: str) -> str:
    return COLORS[zlib.crc32(service.encode()) % len(COLORS)]
