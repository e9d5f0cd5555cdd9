"""How exactly access tokens expire."""

EDGE_SKEW_SECONDS = 1
"""The edge accepts a token for this long after its expiry. Envoy cannot do with less: it reads 0 as its default of 60 s."""
