"""Settings from the environment, under the prefix `LENSFEED_`.

Plain Python instead of pydantic: each process starts faster and takes 10 MB less (docs/adr/0037-settings-without-pydantic.md).
"""

import difflib
import inspect
import os
from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any, ClassVar, Self, dataclass_transform

from meshkit.setting_names import SETTING_NAMES
from meshkit.setting_types import REQUIRED, Setting, setting

PREFIX = "LENSFEED_"


class SettingsError(ValueError):
    """A setting is mistyped, missing or wrong. The message is for the person who started the process."""


@dataclass_transform(kw_only_default=True, frozen_default=True, field_specifiers=(setting,))
class Settings:
    """The base of all settings classes: frozen, and read once by `load` in the composition root.

    Each annotated name is a setting; a default, or `setting(...)` with rules, may follow. The docstring under it is its meaning
    in docs/settings.md, which `make reference` writes. A rule about several settings is a method `_check` that raises ValueError;
    those of all base classes run.
    """

    declared: ClassVar[Mapping[str, Setting]] = MappingProxyType({})
    """All settings of the class, by name."""

    def __init_subclass__(cls) -> None:
        declared: dict[str, Setting] = {}
        for each in reversed(cls.__mro__):
            for name, annotation in inspect.get_annotations(each).items() if each not in {Settings, object} else ():
                default = vars(each).get(name, REQUIRED)
                rules = default if isinstance(default, Setting) else Setting(default=default)
                declared[name] = replace(rules, annotation=annotation)
        cls.declared = MappingProxyType(declared)

    def __init__(self, **given: Any) -> None:
        """Take some settings, and the defaults of the others. A text is read as in the environment.

        Raises SettingsError with one line per invalid setting.
        """
        if unknown := given.keys() - self.declared:
            raise TypeError(f"{type(self).__name__} has no setting {', '.join(sorted(unknown))}")
        values, problems = _read(self.declared, given)
        if problems:
            raise SettingsError("\n".join(problems)) from None
        vars(self).update(values, _given=frozenset(given))
        self._check_all()

    @property
    def given(self) -> Mapping[str, Any]:
        """The settings that do not come from defaults."""
        return MappingProxyType({name: value for name, value in self.values().items() if name in vars(self)["_given"]})

    @classmethod
    def load(cls) -> Self:
        """Read the environment.

        Raises SettingsError, with one line per setting, for unknown names and invalid values.
        """
        refuse_unknown_names(os.environ)
        texts = {name: os.environ.get(f"{PREFIX}{name.upper()}") for name in cls.declared}
        return cls(**{name: text for name, text in texts.items() if text is not None})

    def values(self) -> dict[str, Any]:
        """Return all settings by name."""
        return {name: getattr(self, name) for name in self.declared}

    def changed(self, **settings: Any) -> Self:
        """Return a copy with some settings replaced."""
        return type(self)(**{**self.given, **settings})

    def _check_all(self) -> None:
        for each in reversed(type(self).__mro__):
            if check := vars(each).get("_check"):
                try:
                    check(self)
                except ValueError as error:
                    raise SettingsError(str(error)) from None

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"settings cannot be changed: {name}")

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{name}={value!r}' for name, value in self.values().items())})"


def refuse_unknown_names(environment: Mapping[str, str]) -> None:
    """Raise SettingsError if a variable has our prefix but is not a setting."""
    unknown = sorted(name for name in environment if name.startswith(PREFIX) and name not in SETTING_NAMES)
    if unknown:
        raise SettingsError("\n".join(_unknown(name) for name in unknown))


def _unknown(name: str) -> str:
    # Compare without the prefix, which would make all names similar.
    words = [known.removeprefix(PREFIX) for known in sorted(SETTING_NAMES)]
    near = difflib.get_close_matches(name.removeprefix(PREFIX), words, n=1)
    return f"{name} is not a setting" + (f"; did you mean {PREFIX}{near[0]}?" if near else "")


def _read(declared: Mapping[str, Setting], given: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """Return the values, and a sentence for each setting that is missing or wrong."""
    values: dict[str, Any] = {}
    problems: list[str] = []
    for name, each in declared.items():
        try:
            values[name] = each.read(given[name]) if name in given else _default(each)
        except ValueError as error:
            problems.append(f"{PREFIX}{name.upper()}: {error}")
    return values, problems


def _default(each: Setting) -> Any:
    if each.default is REQUIRED:
        raise ValueError("a value is required")
    return each.default
