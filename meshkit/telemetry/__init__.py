"""OpenTelemetry: which metrics exist, how a process exports them, and the trace context that calls and events carry."""
