"""What `lensfeed top` shows: metrics of a mesh, read from its Prometheus endpoints and turned into figures."""
