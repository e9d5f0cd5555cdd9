"""Benchmarks of a whole mesh."""
