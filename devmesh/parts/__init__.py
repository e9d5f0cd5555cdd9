"""The parts of a mesh: how each is configured, started and checked."""
