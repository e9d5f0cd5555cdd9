"""Envoy's tracer, as the standard variables configure it."""

from collections.abc import Mapping

import pytest

from edge_proxy.envoy.tracing import find_collector, tracing
from meshkit.settings import SettingsError

ENDPOINT, TRACES = "OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"


@pytest.mark.parametrize(
    ("environment", "host", "port", "uses_tls"),
    [
        ({ENDPOINT: "http://127.0.0.1:14317"}, "127.0.0.1", 14317, False),
        ({ENDPOINT: "https://otel.example"}, "otel.example", 4317, True),
        ({ENDPOINT: "collector:4317"}, "collector", 4317, False),
        ({ENDPOINT: "http://metrics:4317", TRACES: "http://traces:4318"}, "traces", 4318, False),
    ],
)
def test_spans_go_where_those_of_services_go(
    environment: Mapping[str, str], host: str, port: int, uses_tls: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The endpoint for traces comes before that for everything, and a port or a scheme may be left out."""
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    collector = find_collector(environment)
    assert collector is not None
    assert (*collector.address, collector.uses_tls) == (host, port, uses_tls)


def test_the_edge_samples_as_the_variables_say(monkeypatch: pytest.MonkeyPatch) -> None:
    """The share of the standard variables is Envoy's percentage."""
    monkeypatch.setenv(ENDPOINT, "http://127.0.0.1:4317")
    monkeypatch.setenv("OTEL_TRACES_SAMPLER", "parentbased_traceidratio")
    monkeypatch.setenv("OTEL_TRACES_SAMPLER_ARG", "0.01")
    assert tracing()["tracing"]["random_sampling"] == {"value": 1.0}


def test_a_wrong_argument_of_the_sampler_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """The edge does not start with an argument that is no share."""
    monkeypatch.setenv(ENDPOINT, "http://127.0.0.1:4317")
    monkeypatch.setenv("OTEL_TRACES_SAMPLER", "traceidratio")
    monkeypatch.setenv("OTEL_TRACES_SAMPLER_ARG", "5%")
    with pytest.raises(SettingsError, match="OTEL_TRACES_SAMPLER_ARG: '5%' is not a number from 0 to 1"):
        tracing()


def test_without_a_collector_nothing_is_traced(monkeypatch: pytest.MonkeyPatch) -> None:
    """An edge without the variables, or with traces switched off, has no tracer."""
    assert tracing() == {}
    monkeypatch.setenv(ENDPOINT, "http://127.0.0.1:4317")
    assert tracing()["tracing"]["client_sampling"] == {"value": 0}
    monkeypatch.setenv("OTEL_TRACES_EXPORTER", "none")
    assert tracing() == {}
