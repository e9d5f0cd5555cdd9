"""Keys, certificates and passwords that a mesh creates once and keeps in its data folder."""
