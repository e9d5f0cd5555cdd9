"""The edge: renders, validates and runs the Envoy that stands between apps and the services."""
