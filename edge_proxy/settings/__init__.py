"""Settings by topic. `edge.py` combines them."""
