"""Connections to Redis, one server or a cluster. What is stored there belongs to each service."""
