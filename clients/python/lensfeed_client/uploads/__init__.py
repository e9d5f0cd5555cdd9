"""Uploads: sending a file in parts, resuming it, and waiting for the result."""
