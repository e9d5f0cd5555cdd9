"""People of a mesh, what they did, and what became of it."""
