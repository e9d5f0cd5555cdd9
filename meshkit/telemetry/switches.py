"""Whether this process exports telemetry. Imports nothing, because `meshkit.lean` asks before anything else is imported."""

import os

METRICS_ADDR = "LENSFEED_METRICS_ADDR"


def is_enabled() -> bool:
    """Tell whether this process exports anything."""
    return has_metrics() or has_traces()


def has_metrics() -> bool:
    """Tell whether metrics are sent by OTLP or served to Prometheus."""
    return not _is_disabled() and (sends("METRICS") or bool(os.environ.get(METRICS_ADDR)))


def has_traces() -> bool:
    """Tell whether traces are sent by OTLP."""
    return not _is_disabled() and sends("TRACES")


def sends(signal: str) -> bool:
    """Tell whether the standard variables name an OTLP endpoint for a signal: METRICS or TRACES."""
    endpoints = ("OTEL_EXPORTER_OTLP_ENDPOINT", f"OTEL_EXPORTER_OTLP_{signal}_ENDPOINT")
    is_off = os.environ.get(f"OTEL_{signal}_EXPORTER", "").lower() == "none"
    return not is_off and any(os.environ.get(name) for name in endpoints)


def _is_disabled() -> bool:
    return os.environ.get("OTEL_SDK_DISABLED", "").lower() == "true"
