"""Rate limits: the rules, and the service that counts for all edges. Bounds on memory are in `envoy/overload.py`."""
