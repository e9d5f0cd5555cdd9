"""The share of traces that the standard variables sample."""

from collections.abc import Mapping

import pytest

from meshkit.settings import SettingsError
from meshkit.telemetry.sampled_share import sampled_share
from meshkit.telemetry.set_up import set_up_telemetry

SAMPLER, ARGUMENT = "OTEL_TRACES_SAMPLER", "OTEL_TRACES_SAMPLER_ARG"


@pytest.mark.parametrize(
    ("environment", "share"),
    [
        ({}, 1),
        ({SAMPLER: "parentbased_always_on"}, 1),
        ({SAMPLER: "always_off", ARGUMENT: "not read"}, 0),
        ({SAMPLER: "traceidratio"}, 1),
        ({SAMPLER: "parentbased_traceidratio", ARGUMENT: "0.01"}, 0.01),
    ],
)
def test_the_share_is_what_the_variables_say(environment: Mapping[str, str], share: float) -> None:
    """All traces are sampled unless a sampler says otherwise."""
    assert sampled_share(environment) == share


@pytest.mark.parametrize("argument", ["", "5%", "-0.1", "1.1", "nan", "inf"])
def test_a_service_refuses_a_wrong_argument(argument: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A process says which variable is wrong, and exports nothing."""
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:4317")
    monkeypatch.setenv(SAMPLER, "traceidratio")
    monkeypatch.setenv(ARGUMENT, argument)
    with pytest.raises(SettingsError, match=ARGUMENT):
        set_up_telemetry("test")
