"""Envoy's configuration, rendered from contracts and settings. HTTP filters are in `filters/`."""
