"""Blocks, and what a viewer may see of an account."""
