"""Connections to Redis, a single server or a cluster. Each service owns what it stores there."""
