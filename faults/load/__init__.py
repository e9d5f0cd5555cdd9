"""The load on a mesh, the probes that time its effects, and what every feed must be afterwards."""
