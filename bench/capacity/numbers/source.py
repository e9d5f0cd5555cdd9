"""A number with what it is, its unit and its source."""

from collections.abc import Iterator
from dataclasses import Field, field, fields
from typing import Any, ClassVar, Protocol


class _Dataclass(Protocol):
    __dataclass_fields__: ClassVar[dict[str, Field[Any]]]


def given(value: float, what: str, unit: str, source: str) -> Any:
    """Declare a field of a dataclass that has a source."""
    return field(default=value, metadata={"what": what, "unit": unit, "source": source})


def sources(numbers: _Dataclass) -> Iterator[tuple[str, float, str, str]]:
    """Yield (what, value, unit, source) of each number."""
    for each in fields(numbers):
        known = each.metadata
        yield known["what"], getattr(numbers, each.name), known["unit"], known["source"]
