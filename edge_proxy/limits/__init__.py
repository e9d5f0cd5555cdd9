"""Rate limits: the rules, and the service that counts for all edges."""
