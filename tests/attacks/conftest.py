"""What attacks on the edge alone need."""

from tests.edge_proxy.conftest import backend, bearer, edge, jwks_file, running_backend, shared_edge, signer

__all__ = ["backend", "bearer", "edge", "jwks_file", "running_backend", "shared_edge", "signer"]
