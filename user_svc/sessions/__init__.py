"""Logging in and out, refreshing, access tokens and the keys that sign them."""
