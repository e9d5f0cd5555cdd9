"""Attacks on a mesh. Each module says what the attack did before, and what it meets now."""
