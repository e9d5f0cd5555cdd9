"""HTTP filters, one per file. `envoy/listener.py` has their order."""
