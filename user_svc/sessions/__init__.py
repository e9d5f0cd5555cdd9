"""Logging in and out, refreshing, access tokens and their signing keys."""
