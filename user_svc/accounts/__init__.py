"""Accounts, profiles and passwords. Logging in is in `sessions/`."""
