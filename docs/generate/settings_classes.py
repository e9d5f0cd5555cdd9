"""Every setting, as the settings classes of all processes define it."""

import ast
import inspect
import itertools
import json
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import SecretStr
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from edge_proxy.addresses import Address
from edge_proxy.limits.service import LimitsSettings
from edge_proxy.settings.edge import EdgeSettings
from feed_svc.settings import FeedSettings
from feed_svc.settings import WorkSettings as FeedWorkSettings
from follow_svc.settings import FollowSettings, RecountSettings
from media_svc.settings import ServeSettings as MediaSettings
from media_svc.settings import WorkSettings as MediaWorkSettings
from meshkit.settings import PREFIX, Settings
from post_svc.settings import ServeSettings as PostSettings
from post_svc.settings import WorkSettings as PostWorkSettings
from user_svc.settings import UserSettings

ROOT = Path(__file__).parents[2]
REQUIRED = "required"
NONE = "none"
# What each process loads. `python -m edge_proxy run` is the edge, `python -m user_svc serve` is `user serve`.
PROCESSES: Mapping[str, type[Settings]] = {
    "user serve": UserSettings,
    "follow serve": FollowSettings,
    "follow recount": RecountSettings,
    "post serve": PostSettings,
    "post work": PostWorkSettings,
    "media serve": MediaSettings,
    "media work": MediaWorkSettings,
    "feed serve": FeedSettings,
    "feed work": FeedWorkSettings,
    "edge run": EdgeSettings,
    "edge limits": LimitsSettings,
}
# The settings without a class: the `lensfeed` command reads them.
OF_THE_COMMAND: Mapping[str, str] = {
    "LENSFEED_URL": "The server that `lensfeed` commands call. `lensfeed dev --exec` sets it for its command.",
    "LENSFEED_VALKEY_BINARY": "A valkey-server to run instead of the one from pip.",
    "LENSFEED_WEED_BINARY": "A SeaweedFS (`weed`) to run instead of the one from pip.",
}


@dataclass(frozen=True, slots=True)
class Reading:
    """One setting as one process reads it. `default` is written as Markdown."""

    process: str
    field: FieldInfo
    default: str
    meaning: str


def readings() -> dict[str, list[Reading]]:
    """Return all readings of each setting, by its full name."""
    found: dict[str, list[Reading]] = {}
    for name, reading in _all():
        found.setdefault(name, []).append(reading)
    return found


def defaults() -> dict[str, set[str]]:
    """Return each setting's defaults as the documentation writes them: one, unless processes disagree."""
    found = {name: {reading.default for reading in each} for name, each in readings().items()}
    return found | {name: {NONE} for name in OF_THE_COMMAND}


def _all() -> Iterator[tuple[str, Reading]]:
    for process, each in PROCESSES.items():
        meanings = _meanings(each)
        for name, field in each.model_fields.items():
            if name not in meanings:
                raise ValueError(f"{each.__name__}.{name} needs a docstring under it: its meaning in docs/settings.md")
            yield f"{PREFIX}{name.upper()}", Reading(process, field, _written(field), meanings[name])


def _meanings(settings: type[Settings]) -> dict[str, str]:
    """Return the docstrings under the fields of a class and its bases."""
    found: dict[str, str] = {}
    for each in reversed(settings.__mro__):
        if issubclass(each, Settings):
            [body] = ast.parse(textwrap.dedent(inspect.getsource(each))).body
            assert isinstance(body, ast.ClassDef)  # noqa: S101 - the source of a class
            found.update(_docstrings_under_fields(body.body))
    return found


def _docstrings_under_fields(body: Sequence[ast.stmt]) -> Iterator[tuple[str, str]]:
    for field, text in itertools.pairwise(body):
        match field, text:
            case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(value=ast.Constant(value=str(meaning))):
                yield name, inspect.cleandoc(meaning)


def _written(field: FieldInfo) -> str:
    default = field.get_default(call_default_factory=True, validated_data={})
    if default is PydanticUndefined:
        return REQUIRED
    if default is None or default == ():
        return NONE
    return f"`{_text(default)}`"


def _text(default: object) -> str:
    match default:
        case Address():
            return f"{default.host}:{default.port}"
        case SecretStr():
            raise AssertionError("a secret has no default")
        case Path() if default.is_absolute():
            return str(default.relative_to(ROOT))
        case float():
            return f"{default:g}"
        case bool() | dict():
            return json.dumps(default)
        case _:
            return str(default)
