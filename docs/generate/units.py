"""The unit or the form of a setting's value."""

import types
import typing
from pathlib import Path

from pydantic.fields import FieldInfo

# By how a name ends. The first that fits counts.
BY_NAME = (
    ("_SECONDS", "seconds"),
    ("_DAYS", "days"),
    ("_MIB", "MiB"),
    ("_QUOTA", "bytes"),
    ("_ADDR", "host:port"),
    ("_URL", "URL"),
    ("_LIMIT_USER", "points"),
    ("_LIMIT_ADDRESS", "points"),
    ("_LIMIT_LOG_IN", "points"),
    ("_CONTACT_POINTS", "list"),
    ("_CURSOR_KEYS", "list"),
    ("_ORIGINS", "list"),
    ("_DIR", "folder"),
    ("_MESH_TLS", "folder"),
    ("_REPLICATION", "JSON"),
)
BY_TYPE = {Path: "file", bool: "`true` or `false`", int: "number"}


def unit_of(name: str, field: FieldInfo) -> str:
    """Return the unit or form of a value; empty for a plain text. Lists are separated by commas."""
    for end, unit in BY_NAME:
        if name.endswith(end):
            return unit
    return next((unit for kind, unit in BY_TYPE.items() if kind in _kinds(field.annotation)), "")


def _kinds(annotation: object) -> tuple[object, ...]:
    """Return the types that a value may have: the members of a union, else the one."""
    return typing.get_args(annotation) if isinstance(annotation, types.UnionType) else (annotation,)
