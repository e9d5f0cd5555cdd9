"""The identity of a part of the mesh: mTLS certificates and names. Users and tokens are elsewhere."""
