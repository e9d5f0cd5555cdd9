"""Keys, certificates and passwords that a mesh makes once and keeps with its data."""
