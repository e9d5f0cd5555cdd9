"""Every setting of all settings classes."""

import importlib
import json
from pathlib import Path
from typing import Any

from pydantic import SecretStr
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from edge_proxy.addresses import Address
from meshkit.settings import PREFIX, Settings

MODULES = (
    "edge_proxy.settings.edge",
    *(f"{service}_svc.settings" for service in ("feed", "follow", "media", "post", "user")),
)
REQUIRED = "required"


def defaults() -> dict[str, set[str]]:
    """Return each setting's defaults as the documentation writes them: one, unless rooms disagree."""
    found: dict[str, set[str]] = {}
    for module in MODULES:
        for each in _loaded(importlib.import_module(module)):
            for name, field in each.model_fields.items():
                found.setdefault(f"{PREFIX}{name.upper()}", set()).add(_written(field))
    return found


def _loaded(module: Any) -> list[type[Settings]]:
    """Return the classes that a room's processes load: those that are no other's base."""
    ours = [each for each in vars(module).values() if isinstance(each, type) and issubclass(each, Settings)]
    ours = [each for each in ours if each.__module__ == module.__name__]
    return [each for each in ours if not any(each is not other and issubclass(other, each) for other in ours)]


def _written(field: FieldInfo) -> str:
    default = field.get_default(call_default_factory=True, validated_data={})
    if default is PydanticUndefined:
        return REQUIRED
    if default is None or default == ():
        return "none"
    return f"`{_text(default)}`"


def _text(default: object) -> str:
    match default:
        case Address():
            return f"{default.host}:{default.port}"
        case SecretStr():
            raise AssertionError("a secret has no default")
        case Path() if default.is_absolute():
            return str(default.relative_to(Path(__file__).parent.parent))
        case float():
            return f"{default:g}"
        case bool() | dict():
            return json.dumps(default)
        case _:
            return str(default)
