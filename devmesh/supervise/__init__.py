"""Starts, watches, restarts and stops child processes of any kind."""
