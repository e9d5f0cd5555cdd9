"""How pages become answers."""
