"""What can be set from outside, by topic. `edge.py` has the whole."""
