"""Compares live timelines with the store, repairs those that differ and reports the ratio."""
