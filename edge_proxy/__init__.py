"""The edge: renders, validates and runs the Envoy in front of the services."""
