"""The logs of a mesh."""
