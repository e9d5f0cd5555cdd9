"""How texts become values of settings, and which values are refused."""

from pathlib import Path
from typing import Any, Literal

import pytest

from meshkit.setting_types import SecretStr, read_text, setting
from meshkit.settings import Settings, SettingsError


class _Bounded(Settings):
    most: int = setting(default=3, ge=1, le=9)
    above: float = setting(default=1.5, gt=0)
    word: str = setting(default="a-1", pattern=r"^[a-z0-9-]+$")

    def _check(self) -> None:
        if self.most > 5 and self.above > 5:
            raise ValueError("LENSFEED_MOST and LENSFEED_ABOVE must not both be above 5")


class _Derived(_Bounded):
    secret: SecretStr
    place: Path | None = None

    def _check(self) -> None:
        if self.place == Path("nowhere"):
            raise ValueError("LENSFEED_PLACE must be somewhere")


@pytest.mark.parametrize(
    ("text", "annotation", "value"),
    [
        ("7", int, 7),
        ("0.5", float, 0.5),
        ("True", bool, True),
        ("off", bool, False),
        ("a/b", Path, Path("a/b")),
        ("a/b", Path | None, Path("a/b")),
        ("all", Literal["all", "failures"], "all"),
        ('{"a": 1}', dict[str, int], {"a": 1}),
        ("", str, ""),
    ],
)
def test_a_text_is_read_by_type(text: str, annotation: Any, value: object) -> None:
    """Each type has its form; an optional one has the form of its type."""
    assert read_text(text, annotation) == value


@pytest.mark.parametrize(
    ("text", "annotation", "message"),
    [
        ("7.5", int, "it must be a whole number"),
        ("half", float, "it must be a number"),
        ("2", bool, "it must be true or false"),
        ("most", Literal["all", "failures"], "it must be one of all, failures"),
        ("[1]", dict[str, int], "it must be a JSON object"),
        ("{", list[str], "it must be JSON"),
    ],
)
def test_a_text_of_another_form_is_refused(text: str, annotation: Any, message: str) -> None:
    """The message says which form is expected, and leaves out the text, which may be a secret."""
    with pytest.raises(ValueError, match=f"^{message}$"):
        read_text(text, annotation)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"most": 0}, "LENSFEED_MOST: it must be at least 1"),
        ({"most": 10}, "LENSFEED_MOST: it must be at most 9"),
        ({"above": 0.0}, "LENSFEED_ABOVE: it must be greater than 0"),
        ({"above": "nan"}, "LENSFEED_ABOVE: it must be greater than 0"),
        ({"word": "A"}, r"LENSFEED_WORD: it must match \^"),
        ({"most": 6, "above": 6.0}, "LENSFEED_MOST and LENSFEED_ABOVE must not both be above 5"),
    ],
)
def test_a_value_outside_of_its_rules_is_refused(given: dict[str, Any], message: str) -> None:
    """Bounds, patterns and rules about several settings hold for values from code as well."""
    with pytest.raises(SettingsError, match=f"^{message}"):
        _Bounded(**given)


def test_the_rules_of_base_classes_hold() -> None:
    """A class with a rule of its own keeps those of the classes it builds on."""
    secret = SecretStr("s")
    with pytest.raises(SettingsError, match="both be above 5"):
        _Derived(secret=secret, most=6, above=6.0)
    with pytest.raises(SettingsError, match="be somewhere"):
        _Derived(secret=secret, place=Path("nowhere"))


def test_settings_are_frozen_and_copied_with_changes() -> None:
    """A setting cannot be assigned; a changed copy keeps the rest and knows what was given."""
    settings = _Derived(secret=SecretStr("s"), most=2)
    with pytest.raises(AttributeError, match="most"):
        settings.most = 4  # type: ignore[misc] # that is the test
    changed = settings.changed(above=2.0)
    assert (changed.most, changed.above, settings.above) == (2, 2.0, 1.5)
    assert changed.given == {"secret": SecretStr("s"), "most": 2, "above": 2.0}


def test_an_unknown_setting_is_refused() -> None:
    """A misspelt name in code is a TypeError."""
    with pytest.raises(TypeError, match="_Bounded has no setting moist"):
        _Bounded(moist=1)  # type: ignore[call-arg] # that is the test
