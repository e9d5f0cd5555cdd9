"""One file for each HTTP filter that a call passes. Their order is in `envoy/listener.py`."""
