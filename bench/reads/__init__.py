"""Reads of feeds: warm, first and old pages."""
