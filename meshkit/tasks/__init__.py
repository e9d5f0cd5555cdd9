"""How work runs: again and again until the process stops, or to its end. No work of its own."""
