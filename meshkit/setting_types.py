"""What a setting may be, and how a text becomes its value."""

import json
import re
import types
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

REQUIRED: Final = object()
"""The default of a setting that has none."""
_TRUE, _FALSE = frozenset({"true", "t", "1", "yes", "y", "on"}), frozenset({"false", "f", "0", "no", "n", "off"})


class SecretStr:
    """A text that is not printed by accident."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def get_secret_value(self) -> str:
        """Return the text."""
        return self._value

    def __repr__(self) -> str:
        return "SecretStr('**********')"

    def __len__(self) -> int:
        return len(self._value)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, SecretStr) and other._value == self._value

    def __hash__(self) -> int:
        return hash(self._value)


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """One setting: its default and the rules of its values."""

    default: Any = REQUIRED
    ge: float | None = None
    gt: float | None = None
    le: float | None = None
    min_length: int = 0
    pattern: str | None = None
    parse: Callable[[str], Any] | None = None
    check: Callable[[Any], object] | None = None
    annotation: Any = str

    def read(self, value: Any) -> Any:
        """Return a value, or that of a text, if it follows the rules. Raises ValueError, never with the value of a secret."""
        if isinstance(value, str):
            value = self.parse(value) if self.parse else read_text(value, self.annotation)
        self._check_bounds(value)
        if self.check is not None and value is not None:
            self.check(value)
        return value

    def _check_bounds(self, value: Any) -> None:
        # Written so that NaN fails.
        if self.ge is not None and not value >= self.ge:
            raise ValueError(f"it must be at least {self.ge:g}")
        if self.gt is not None and not value > self.gt:
            raise ValueError(f"it must be greater than {self.gt:g}")
        if self.le is not None and not value <= self.le:
            raise ValueError(f"it must be at most {self.le:g}")
        if self.min_length and len(value) < self.min_length:
            raise ValueError(f"it must have at least {self.min_length} characters")
        if self.pattern is not None and not re.search(self.pattern, value):
            raise ValueError(f"it must match {self.pattern}")


def setting(
    *,
    default: Any = REQUIRED,
    ge: float | None = None,
    gt: float | None = None,
    le: float | None = None,
    min_length: int = 0,
    pattern: str | None = None,
    parse: Callable[[str], Any] | None = None,
    check: Callable[[Any], object] | None = None,
) -> Any:
    """Declare the rules of a setting: bounds, length, a pattern.

    `parse` makes a value of a text, and `check` looks at the value. Both raise ValueError.
    """
    return Setting(
        default=default, ge=ge, gt=gt, le=le, min_length=min_length, pattern=pattern, parse=parse, check=check
    )


def read_text(text: str, annotation: Any) -> Any:
    """Return the value of a text for a type: numbers, booleans, paths, secrets, choices, and JSON for lists and tables.

    Raises ValueError, without the text.
    """
    kind = _without_none(annotation)
    if typing.get_origin(kind) is Literal:
        return _choice(text, typing.get_args(kind))
    reader = _READERS.get(kind)
    if reader is not None:
        return reader(text)
    return _json(text, typing.get_origin(kind) or kind)


def _without_none(annotation: Any) -> Any:
    """Return X for `X | None`: a text is never None."""
    if isinstance(annotation, types.UnionType):
        return next(each for each in typing.get_args(annotation) if each is not type(None))
    return annotation


def _choice(text: str, choices: tuple[str, ...]) -> str:
    if text not in choices:
        raise ValueError(f"it must be one of {', '.join(choices)}")
    return text


def _int(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise ValueError("it must be a whole number") from None


def _float(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise ValueError("it must be a number") from None


def _bool(text: str) -> bool:
    word = text.lower()
    if word not in _TRUE | _FALSE:
        raise ValueError("it must be true or false")
    return word in _TRUE


def _json(text: str, kind: type) -> Any:
    try:
        value = json.loads(text)
    except ValueError:
        raise ValueError("it must be JSON") from None
    if not isinstance(value, kind):
        raise ValueError(f"it must be a JSON {'object' if kind is dict else 'array'}")  # noqa: TRY004 - a rule of settings
    return value


_READERS: Mapping[Any, Callable[[str], Any]] = {
    str: str,
    int: _int,
    float: _float,
    bool: _bool,
    Path: Path,
    SecretStr: SecretStr,
}
