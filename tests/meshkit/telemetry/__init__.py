"""Metrics and traces of meshkit."""
