"""Whether this process exports telemetry. Imports nothing, because `meshkit.lean` asks before anything else is imported."""

import os

_ENDPOINTS = (
    "OTEL_EXPORTER_OTLP_ENDPOINT",
    "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
    "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT",
)


def is_enabled() -> bool:
    """Tell whether an OTLP endpoint is set (and OTEL_SDK_DISABLED is not)."""
    disabled = os.environ.get("OTEL_SDK_DISABLED", "").lower() == "true"
    return not disabled and any(os.environ.get(name) for name in _ENDPOINTS)
