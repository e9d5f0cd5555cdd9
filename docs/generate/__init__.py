"""Writes the reference pages from the code and the contracts. Nothing here is installed with lensfeed."""
