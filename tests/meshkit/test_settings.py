"""Settings from the environment."""

import os

import pytest
from pydantic import Field, SecretStr

from meshkit.cassandra_settings import CassandraSettings
from meshkit.grpc.server import ServerSettings
from meshkit.service_settings import CursorSettings
from meshkit.settings import Settings, SettingsError


@pytest.fixture(autouse=True)
def no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """Begin with an empty environment."""
    for name in [name for name in os.environ if name.startswith("LENSFEED_")]:
        monkeypatch.delenv(name)


class _Odd(Settings):
    drain_seconds: float = 1.0
    cors_origins: list[str] = Field(default_factory=list)
    token_key_file: SecretStr = Field(SecretStr("long enough"), min_length=8)


def test_a_variable_becomes_a_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    """The variable is the setting's name in capitals with the prefix."""
    monkeypatch.setenv("LENSFEED_MAX_IN_FLIGHT", "7")
    assert ServerSettings.load().max_in_flight == 7


def test_a_foreign_setting_is_fine(monkeypatch: pytest.MonkeyPatch) -> None:
    """Another part's variable is accepted, because a whole mesh may share an environment."""
    monkeypatch.setenv("LENSFEED_EDGE_ADDR", "127.0.0.1:8080")
    assert ServerSettings.load().listen_addr == "127.0.0.1:0"


def test_a_mistyped_name_is_refused_with_a_suggestion(monkeypatch: pytest.MonkeyPatch) -> None:
    """An unknown name is refused, and the nearest one is suggested."""
    monkeypatch.setenv("LENSFEED_LISTEN_ADR", "127.0.0.1:1")
    with pytest.raises(SettingsError) as refused:
        ServerSettings.load()
    assert str(refused.value) == "LENSFEED_LISTEN_ADR is not a setting; did you mean LENSFEED_LISTEN_ADDR?"


def test_every_mistyped_name_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each unknown name gets a line; one without a similar name gets no suggestion."""
    monkeypatch.setenv("LENSFEED_REDIS_URI", "redis://")
    monkeypatch.setenv("LENSFEED_COLOUR", "1")
    with pytest.raises(SettingsError) as refused:
        ServerSettings.load()
    assert str(refused.value).splitlines() == [
        "LENSFEED_COLOUR is not a setting",
        "LENSFEED_REDIS_URI is not a setting; did you mean LENSFEED_REDIS_URL?",
    ]


def test_a_bad_value_names_its_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each invalid value gets a line that begins with its variable."""
    monkeypatch.setenv("LENSFEED_MAX_IN_FLIGHT", "many")
    monkeypatch.setenv("LENSFEED_LOG_FORMAT", "xml")
    with pytest.raises(SettingsError) as refused:
        ServerSettings.load()
    assert [line.partition(":")[0] for line in str(refused.value).splitlines()] == [
        "LENSFEED_MAX_IN_FLIGHT",
        "LENSFEED_LOG_FORMAT",
    ]


def test_a_rule_over_several_settings_names_them(monkeypatch: pytest.MonkeyPatch) -> None:
    """The message names the settings themselves, and no other variable."""
    monkeypatch.setenv("LENSFEED_CASSANDRA_USERNAME", "ada")
    with pytest.raises(SettingsError) as refused:
        CassandraSettings.load()
    assert "LENSFEED_CASSANDRA_USERNAME and LENSFEED_CASSANDRA_PASSWORD go together" in str(refused.value)
    assert "LENSFEED_:" not in str(refused.value)


def test_a_list_that_is_not_json_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """A value that cannot be parsed is refused and named."""
    monkeypatch.setenv("LENSFEED_CORS_ORIGINS", "[oops")
    with pytest.raises(SettingsError, match="cors_origins"):
        _Odd.load()


def test_a_missing_setting_is_named() -> None:
    """A missing setting without a default is reported by its variable."""
    with pytest.raises(SettingsError, match=r"^LENSFEED_CURSOR_KEYS: "):
        CursorSettings.load()


@pytest.mark.parametrize("text", ["", " , ,"])
def test_cursor_keys_without_a_key_are_refused(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A text without a key is refused at the start, not with the first cursor."""
    monkeypatch.setenv("LENSFEED_CURSOR_KEYS", text)
    with pytest.raises(SettingsError, match=r"^LENSFEED_CURSOR_KEYS: "):
        CursorSettings.load()


def test_cursor_keys_are_split(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keys are separated by commas and keep their order; spaces and empty ones are ignored."""
    monkeypatch.setenv("LENSFEED_CURSOR_KEYS", "old, new,")
    assert CursorSettings.load().cursor_key_list == ["old", "new"]


def test_secrets_are_not_printed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither the settings' text nor an error message contains a secret."""
    monkeypatch.setenv("LENSFEED_CURSOR_KEYS", "hunter2")
    assert "hunter2" not in f"{CursorSettings.load()!r} {CursorSettings.load()!s}"
    monkeypatch.setenv("LENSFEED_TOKEN_KEY_FILE", "hunter2")
    with pytest.raises(SettingsError, match=r"^LENSFEED_TOKEN_KEY_FILE: ") as refused:
        _Odd.load()
    assert "hunter2" not in str(refused.value)
    assert refused.value.__cause__ is None
    assert refused.value.__suppress_context__
