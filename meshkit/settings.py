"""Settings from the environment, under the prefix `LENSFEED_`."""

import difflib
import os
from collections.abc import Mapping
from typing import Self

from pydantic import ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict
from pydantic_settings import SettingsError as UnreadableError

from meshkit.setting_names import SETTING_NAMES

PREFIX = "LENSFEED_"


class SettingsError(Exception):
    """A setting is mistyped, missing or wrong. The message is for the person who started the process."""


class Settings(BaseSettings):
    """The base of all settings classes: frozen, and read once by `load` in the composition root.

    The docstring under a field is its meaning in docs/settings.md, which `make reference` writes.
    """

    # Processes start faster if pydantic builds only the validators of classes that are loaded, not those of their bases, and
    # does not parse the source of each class for docstrings, which only docs/generate reads.
    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, extra="forbid", defer_build=True)

    @classmethod
    def load(cls) -> Self:
        """Read the environment.

        Raises SettingsError, with one line per setting, for unknown names and invalid values.
        """
        refuse_unknown_names(os.environ)
        try:
            return cls()
        except ValidationError as error:
            raise SettingsError("\n".join(_sentences(error))) from None
        except UnreadableError as error:  # a list or table that is not JSON; the text names the field but no value
            raise SettingsError(str(error)) from None


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


def _sentences(error: ValidationError) -> list[str]:
    return [_sentence(".".join(map(str, part["loc"])), part["msg"]) for part in error.errors()]


def _sentence(field: str, message: str) -> str:
    # A rule about several settings has no field. Its message names them.
    return f"{PREFIX}{field.upper()}: {message}" if field else message
