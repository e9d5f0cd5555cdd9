"""Envoy's configuration, rendered from the contracts and the settings. HTTP filters are in `filters/`."""
